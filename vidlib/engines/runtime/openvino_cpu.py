"""Networks in OpenVINO on the CPU: several inputs at once, each on one core."""

import functools
import os
import sys
from contextlib import nullcontext
from importlib import metadata
from pathlib import Path
from typing import Any, Literal
from xml.etree import ElementTree

import numpy as np

from vidlib.engines.runtime.pool import Pool

sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]
"""Without this module, OpenVINO does not report each import to a server of its maker."""

Precision = Literal["f32", "bf16"]

NARROW_KERNELS = (
    *("brgconv_avx512_dw", "brgconv_avx512_amx_1x1", "brgconv_avx512_amx"),
    *("jit_avx512_amx_dw", "jit_avx512_amx_1x1", "jit_avx512_amx"),
    *("brgconv_avx512_1x1", "brgconv_avx512", "jit_avx512_dw", "jit_avx512_1x1", "jit_avx512"),
    *("jit_avx2_1x1_dw", "jit_avx2_dw", "jit_avx2_1x1", "jit_avx2"),
)
"""Kernels for the convolutions of a narrow network, one with few channels: OpenVINO's own order without the kernels for
AVX2 that multiply matrices. Those are the fastest for many channels; for few channels, the others take 0.87 to 0.93 of
their time (docs/decisions/0010)."""


def fastest_precision() -> Precision:
    """The precision in which the CPU computes fastest: bfloat16 where it has instructions for it."""
    return "bf16" if "BF16" in _core().get_property("CPU", "OPTIMIZATION_CAPABILITIES") else "f32"


def version() -> str:
    """The version of a converted network (`vault.converted`), which only this version of OpenVINO should read."""
    return f"openvino-{metadata.version('openvino')}"


def read(graph: Path) -> Any:
    """The network in an ONNX or OpenVINO file, not compiled."""
    return _core().read_model(graph)


def save_narrow(network: Any, target: Path) -> None:
    """Write a narrow network, such as a MobileNet, as ``target``.xml and .bin in float32, for `read`.

    Its convolutions use the first of `NARROW_KERNELS` that the processor has, also as a part of another network.
    """
    import openvino

    openvino.save_model(network, target, compress_to_fp16=False)
    tree = ElementTree.parse(target)
    kernels = ",".join(f"cpu:{kernel}" for kernel in NARROW_KERNELS)
    for layer in tree.iter("layer"):
        if layer.get("type") in ("Convolution", "GroupConvolution"):
            priority = {"name": "primitives_priority", "version": "0", "value": kernels}
            ElementTree.SubElement(ElementTree.SubElement(layer, "rt_info"), "attribute", priority)
    tree.write(target)


def request_pool(network: Any, precision: Precision, size: int) -> Pool[Any]:
    """A pool of ``size`` inference requests, each on one core, for a network from `read` or the path of its file."""
    # with a single stream, OpenVINO would move the thread to the machine's first core, in every process
    streams = max(2, size)
    options = {
        "INFERENCE_PRECISION_HINT": precision,
        "INFERENCE_NUM_THREADS": streams,
        "NUM_STREAMS": streams,
        # threads follow the process's CPU affinity, also after it has changed
        "ENABLE_CPU_PINNING": False,
    }
    compiled = _core().compile_model(network, "CPU", options)
    return Pool(lambda: nullcontext(compiled.create_infer_request()), size)


def _core() -> Any:
    import openvino  # not in the cached function: a missing package must raise each time

    return _core_of(openvino)


@functools.cache
def _core_of(openvino: Any) -> Any:
    """OpenVINO with its CPU plugin loaded.

    The plugin counts the cores once, by the affinity of the thread that loads it. A kernel that has one core now and
    two later would never use the second, so this thread may run on all cores for a moment.
    """
    core, affinity = openvino.Core(), os.sched_getaffinity(0)
    os.sched_setaffinity(0, range(os.cpu_count() or 1))
    try:
        _infer_once(openvino, core)
    finally:
        os.sched_setaffinity(0, affinity)
    return core


def _infer_once(openvino: Any, core: Any) -> None:
    """Compute something small in one thread, to avoid a deadlock later.

    The first arrays from Python make OpenVINO set up a table, under a C++ lock and without the GIL. Two threads that do
    this at once wait for each other for ever (seen with OpenVINO 2026.4).
    """
    from openvino import opset13

    count, weight = opset13.parameter([1], np.uint8), opset13.parameter([1], np.float32)
    network = openvino.Model([opset13.multiply(opset13.convert(count, "f32"), weight)], [count, weight])
    request = core.compile_model(network, "CPU", {"INFERENCE_NUM_THREADS": 1}).create_infer_request()
    request.infer({0: np.zeros(1, np.uint8), 1: np.zeros(1, np.float32)}, share_inputs=True)
    request.get_output_tensor(0).data.copy()
