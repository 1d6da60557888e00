"""Networks in OpenVINO on the CPU: several inputs at once, each on one core."""

import functools
import os
from contextlib import nullcontext
from importlib import metadata
from pathlib import Path
from typing import Any, Literal
from xml.etree import ElementTree

import numpy as np

from vidlib.engines.runtime.pool import Pool

Precision = Literal["f32", "bf16"]

NARROW_KERNELS = (
    *("brgconv_avx512_dw", "brgconv_avx512_amx_1x1", "brgconv_avx512_amx"),
    *("jit_avx512_amx_dw", "jit_avx512_amx_1x1", "jit_avx512_amx"),
    *("brgconv_avx512_1x1", "brgconv_avx512", "jit_avx512_dw", "jit_avx512_1x1", "jit_avx512"),
    *("jit_avx2_1x1_dw", "jit_avx2_dw", "jit_avx2_1x1", "jit_avx2"),
)
"""Kernels for the convolutions of a network with few channels: OpenVINO's own order, without those for AVX2 that
multiply matrices. These are the fastest for many channels; for few, the others take 0.87 to 0.93 of the time
(docs/decisions/0010)."""


def fastest_precision() -> Precision:
    """What the CPU computes fastest in: bfloat16 where it has instructions for it."""
    return "bf16" if "BF16" in _core().get_property("CPU", "OPTIMIZATION_CAPABILITIES") else "f32"


def version() -> str:
    """What a converted network is kept under (`vault.converted`): it holds for one version of OpenVINO only."""
    return f"openvino-{metadata.version('openvino')}"


def read(graph: Path) -> Any:
    """The network in an ONNX or OpenVINO file, not compiled yet."""
    return _core().read_model(graph)


def save_narrow(network: Any, target: Path) -> None:
    """Write a network with few channels, such as a MobileNet, as ``target``.xml and .bin in float32, for `read`.

    Its convolutions are computed by the first of `NARROW_KERNELS` that the processor has, in whatever network they are.
    """
    import openvino

    openvino.save_model(network, target, compress_to_fp16=False)
    tree = ElementTree.parse(target)
    kernels = ",".join(f"cpu:{kernel}" for kernel in NARROW_KERNELS)
    for layer in tree.iter("layer"):
        if layer.get("type") in ("Convolution", "GroupConvolution"):
            wish = {"name": "primitives_priority", "version": "0", "value": kernels}
            ElementTree.SubElement(ElementTree.SubElement(layer, "rt_info"), "attribute", wish)
    tree.write(target)


def request_pool(network: Any, precision: Precision, size: int) -> Pool:
    """``size`` inference requests of the network (from `read`, or its file), which compute on one core each."""
    # one that it is to compute alone, OpenVINO moves to the machine's first core each time, in every process
    streams = max(2, size)
    options = {
        "INFERENCE_PRECISION_HINT": precision,
        "INFERENCE_NUM_THREADS": streams,
        "NUM_STREAMS": streams,
        # threads stay where the process may run, also after that has changed
        "ENABLE_CPU_PINNING": False,
    }
    compiled = _core().compile_model(network, "CPU", options)
    return Pool(lambda: nullcontext(compiled.create_infer_request()), size)


def _core() -> Any:
    import openvino  # outside of the cache: where it is missing, that is to be known each time

    return _core_of(openvino)


@functools.cache
def _core_of(openvino: Any) -> Any:
    """OpenVINO, its CPU part loaded.

    Which cores there are it learns only once, from the thread that loads it: a kernel that happens to have one core
    then, and two later, would never use the second. So this thread may for a moment run on all of them.
    """
    core, own = openvino.Core(), os.sched_getaffinity(0)
    os.sched_setaffinity(0, range(os.cpu_count() or 1))
    try:
        _infer_once(openvino, core)
    finally:
        os.sched_setaffinity(0, own)
    return core


def _infer_once(openvino: Any, core: Any) -> None:
    """Compute something small, in one thread.

    The very first arrays that OpenVINO is given from Python make it set up a table, under a lock of C++ and without
    the one of Python: two threads that do that at once wait for each other for ever (seen with OpenVINO 2026.4).
    """
    from openvino import opset13

    count, weight = opset13.parameter([1], np.uint8), opset13.parameter([1], np.float32)
    network = openvino.Model([opset13.multiply(opset13.convert(count, "f32"), weight)], [count, weight])
    request = core.compile_model(network, "CPU", {"INFERENCE_NUM_THREADS": 1}).create_infer_request()
    request.infer({0: np.zeros(1, np.uint8), 1: np.zeros(1, np.float32)}, share_inputs=True)
    request.get_output_tensor(0).data.copy()
