"""Face prints: 128 numbers that say whose face it is. Of one person they are near each other, in whatever shot.

The network is dlib's (Davis King's ``dlib_face_recognition_resnet_model_v1``, CC0), in OpenVINO: dlib itself takes six
times as long for a face. Its file names every layer's values in order; what they are wired to is written down here.
"""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from vidlib import vault
from vidlib.engines.runtime import openvino_cpu
from vidlib.engines.runtime.pool import Pooled
from vidlib.machine import devices

WEIGHTS = "face_embedding"
"""The vault's model that it loads."""

DIMENSION = 128
"""Numbers in a face print."""

SIDE = 150
"""Pixels of the square that the network sees."""

MARGIN = 0.25
"""What the square shows on each side beyond the upright box of a face, as a share of that box."""

POINTS = (263, 362, 33, 133, 2)
"""MediaPipe's landmarks that are put in place: the outer and inner corner of each eye, and where nose and lip meet."""

PLACES = np.array([[0.8596, 0.2135], [0.6461, 0.2290], [0.1206, 0.2137], [0.3341, 0.2291], [0.4901, 0.6278]])
"""Where these are in the upright box of a mean face (dlib, image_transforms/interpolation.h, rounded)."""

MEAN_COLOUR = (122.782, 117.001, 104.298)
"""Red, green and blue that the network takes for none (dlib, dnn/input.h); it divides by 256."""

WIDENS = (None, 32, 32, 32, 64, 64, 64, 64, 128, 128, 128, 256, 256, 256, 256)
"""Channels of each part of the network: the first is a single convolution, the others are residual blocks. The last has
as many as those before, and halves the picture once more."""

HALVES = (4, 8, 11, 14)
"""The blocks that halve the picture."""


class DlibEmbedder(Pooled):
    """The network on ``threads`` cores (default: all), one face on one core: the same for any number of them.

    Where the CPU computes in bfloat16, so does this: twice as fast, distances differ by less than 0.01.
    """

    def __init__(self, threads: int | None = None):
        graph = vault.converted("face_prints.xml", WEIGHTS, openvino_cpu.version(), _convert)
        self._pool = openvino_cpu.request_pool(graph, openvino_cpu.fastest_precision(), threads or devices.cores())

    def embed(self, pictures: Sequence[np.ndarray], points: Sequence[np.ndarray]) -> np.ndarray:
        """The faces with ``points`` (478, 2) in pictures, each (height, width, 3) uint8 RGB -> (n, 128) face prints.

        Two of one person are mostly less than 0.6 apart (Euclidean distance), two of different people more.
        """
        prints = self._pool.map(_look, list(zip(pictures, points, strict=True)))
        return np.stack(prints) if prints else np.zeros((0, DIMENSION), np.float32)


def upright(picture: np.ndarray, points: np.ndarray) -> np.ndarray:
    """The face, turned upright, of one size and in one place: (SIDE, SIDE, 3) uint8 RGB."""
    import cv2

    places = (PLACES + MARGIN) / (1 + 2 * MARGIN) * SIDE
    # as complex numbers: turned and scaled by one, moved by another, so that the squares of what is left are least
    seen, wanted = (np.asarray(xy, float) @ [1, 1j] for xy in (points[list(POINTS)], places))
    centred = seen - seen.mean()
    turn = np.vdot(centred, wanted) / max(np.vdot(centred, centred).real, 1e-9)
    move = wanted.mean() - turn * seen.mean()
    matrix = np.array([[turn.real, -turn.imag, move.real], [turn.imag, turn.real, move.imag]])
    return cv2.warpAffine(picture, matrix, (SIDE, SIDE), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)


def _look(request: Any, face: tuple[np.ndarray, np.ndarray]) -> np.ndarray:
    (print_,) = request.infer({0: upright(*face)[np.newaxis]}, share_inputs=True).values()
    return print_[0].copy()


def _convert(weights: Path, target: Path) -> None:
    """Write the network as OpenVINO's ``target``.xml and .bin: (1, SIDE, SIDE, 3) uint8 RGB -> (1, 128)."""
    import openvino
    from openvino import opset13 as ops

    values = _values(weights.read_bytes())
    picture = ops.parameter([1, SIDE, SIDE, 3], np.uint8, name="picture")
    colours = ops.subtract(ops.convert(picture, "f32"), np.array(MEAN_COLOUR, np.float32))
    x = ops.transpose(ops.divide(colours, np.float32(256)), [0, 3, 1, 2])
    x = ops.relu(_convolution(x, values, 32, size=7, stride=2))
    x = ops.max_pool(x, [2, 2], [1, 1], [0, 0], [0, 0], [3, 3]).output(0)
    for block, width in enumerate(WIDENS[1:], 1):
        x = _residual(x, values, width, halve=block in HALVES)
    x = ops.reduce_mean(x, [2, 3], keep_dims=False)
    found = ops.matmul(x, next(values).reshape(-1, DIMENSION), False, False)
    openvino.save_model(openvino.Model([found], [picture]), target, compress_to_fp16=False)


def _residual(x: Any, values: Iterator[np.ndarray], width: int, halve: bool) -> Any:
    """Two convolutions, added to what they were given; both are filled with zeros where one is smaller."""
    from openvino import opset13 as ops

    y = ops.relu(_convolution(x, values, width, size=3, stride=2 if halve else 1, pad=0 if halve else 1))
    y = _convolution(y, values, width, size=3, pad=1)
    if halve:
        x = ops.avg_pool(x, [2, 2], [0, 0], [0, 0], [2, 2], exclude_pad=True)
    most = np.maximum(x.shape, y.shape)
    filled = [ops.pad(part, [0] * 4, (most - part.shape).tolist(), "constant", np.float32(0)) for part in (x, y)]
    return ops.relu(ops.add(*filled))


def _convolution(x: Any, values: Iterator[np.ndarray], width: int, *, size: int, stride: int = 1, pad: int = 0) -> Any:
    """A convolution and the scaling that follows it, as one."""
    from openvino import opset13 as ops

    filters, scaling = next(values), next(values)
    kernel, bias = filters[:-width].reshape(width, -1, size, size), filters[-width:]
    scale, shift = scaling[:width], scaling[width:]
    kernel, bias = kernel * scale[:, None, None, None], bias * scale + shift
    y = ops.convolution(x, kernel, [stride] * 2, [pad] * 2, [pad] * 2, [1, 1])
    return ops.add(y, bias.reshape(1, width, 1, 1))


def _values(file: bytes) -> Iterator[np.ndarray]:
    """The values of each layer that has any, (n,) float32, in dlib's own format, from the picture to the print.

    A layer's name (and the 128 and 256 of the last, a matrix) is followed by a version and four sizes, each a length in
    bytes and as many bytes, and then by as many numbers as the product of the sizes says.
    """
    for layer in re.finditer(rb"con_4|affine_|fc_2\x01\x80\x02\x00\x01", file):
        at, header = layer.end(), []
        for _ in range(5):
            length = file[at]
            header.append(int.from_bytes(file[at + 1 : at + 1 + length], "little"))
            at += 1 + length
        yield np.frombuffer(file, "<f4", int(np.prod(header[1:])), at)
