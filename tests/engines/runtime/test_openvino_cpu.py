import multiprocessing
import os
import threading

import numpy as np
import openvino
import pytest
from openvino import opset13 as ops

from vidlib.engines.runtime import openvino_cpu

PICTURES = np.random.default_rng(1).standard_normal((1, 16, 32, 32)).astype(np.float32)
WEIGHTS = np.random.default_rng(2).standard_normal((8, 16, 1, 1)).astype(np.float32)


@pytest.fixture
def narrow(tmp_path):
    """A convolution of a few channels, saved as a phone's network."""
    pictures = ops.parameter(PICTURES.shape, np.float32)
    mixed = ops.convolution(pictures, WEIGHTS, [1, 1], [0, 0], [0, 0], [1, 1])
    openvino_cpu.save_narrow(openvino.Model([mixed], [pictures]), tmp_path / "narrow.xml")
    return openvino_cpu.read(tmp_path / "narrow.xml")


def test_a_network_saved_for_few_channels_computes_what_it_did(narrow):
    with openvino_cpu.request_pool(narrow, "f32", 2) as pool:
        (found,) = pool.map(lambda request, one: request.infer({0: one})[0].copy(), [PICTURES])
    np.testing.assert_allclose(found, np.einsum("oixy,nihw->nohw", WEIGHTS, PICTURES), atol=1e-5)


def test_it_does_not_do_so_by_multiplying_matrices_with_avx2(narrow):
    compiled = openvino.compile_model(narrow, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    kernels = [str(node.get_rt_info()["primitiveType"].astype(str)) for node in compiled.get_runtime_model().get_ops()]
    assert kernels and not any("brgconv_avx2" in kernel for kernel in kernels)


def cores_while_computing(given: int) -> set[frozenset[int]]:
    """Where a thread may run that computes a network alone, in a process that was ``given`` one core."""
    pictures = ops.parameter([1, 64, 128, 128], np.float32)
    mixed = pictures
    for _ in range(20):
        mixed = ops.convolution(mixed, np.full((64, 64, 3, 3), 1e-3, np.float32), [1, 1], [1, 1], [1, 1], [1, 1])
    seen = set()
    os.sched_setaffinity(0, {given})
    with openvino_cpu.request_pool(openvino.Model([mixed], [pictures]), "f32", 1) as pool:
        thread = pool.submit(lambda *_: threading.get_native_id(), None).result()
        computed = pool.submit(lambda request, one: request.infer({0: one}), np.ones((1, 64, 128, 128), np.float32))
        while not computed.done():
            seen.add(frozenset(os.sched_getaffinity(thread)))
    return seen


@pytest.mark.slow
@pytest.mark.skipif(len(os.sched_getaffinity(0)) < 2, reason="there is no other core to be moved to")
def test_a_network_that_computes_alone_is_not_moved_to_a_core_that_was_not_given():
    given = max(os.sched_getaffinity(0))
    with multiprocessing.get_context("spawn").Pool(1) as fresh:  # in a used one OpenVINO does not do it
        seen = fresh.apply(cores_while_computing, (given,))
    assert seen
    assert all(given in cores for cores in seen)
