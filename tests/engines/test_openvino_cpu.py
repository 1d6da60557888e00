import numpy as np
import openvino
import pytest
from openvino import opset13 as ops

from vidlib.engines import openvino_cpu

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
