"""Face embeddings: 128 numbers for a face, which are close to each other for one person in all shots.

The network is dlib's (Davis King's ``dlib_face_recognition_resnet_model_v1``, CC0), in OpenVINO: dlib itself takes six
times as long for a face. The weight file holds the values of all layers in order; this module holds their connections.
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
"""The vault's name for the weights."""

DIMENSION = 128
"""Numbers in an embedding."""

SIDE = 150
"""Side of the network's square input, in pixels."""

MARGIN = 0.25
"""Margin of the input on each side of the upright box of a face, as a share of that box."""

ALIGNED_LANDMARKS = (263, 362, 33, 133, 2)
"""MediaPipe's landmarks that are aligned: the outer and inner corner of each eye, and where nose and lip meet."""

LANDMARK_POSITIONS = np.array(
    [[0.8596, 0.2135], [0.6461, 0.2290], [0.1206, 0.2137], [0.3341, 0.2291], [0.4901, 0.6278]]
)
"""Positions of these in the upright box of a mean face (dlib, image_transforms/interpolation.h, rounded)."""

POINT_POSITIONS = np.array([[0.2274, 0.2214], [0.7528, 0.2213], [0.4901, 0.5156], [0.2541, 0.7802], [0.7261, 0.7802]])
"""Positions of the five points of a detector there: the middle of each eye, the tip of the nose, and the corners of the
mouth, of the same mean face."""

MEAN_COLOUR = (122.782, 117.001, 104.298)
"""Red, green and blue that are subtracted from the input (dlib, dnn/input.h), which is then divided by 256."""

N_CHANNELS = (32, 32, 32, 64, 64, 64, 64, 128, 128, 128, 256, 256, 256, 256)
"""Channels of the residual blocks, which follow a convolution with 32. The last block has as many as the one before,
and halves the picture once more."""

HALVING_BLOCKS = (4, 8, 11, 14)
"""Numbers of the blocks, from 1, that halve the picture."""


class DlibEmbedder(Pooled):
    """The network on ``threads`` cores (default: all), one face on one core: the same for any number of them.

    Where the CPU has instructions for bfloat16, it uses these: it is twice as fast, and distances differ by less than
    0.01.
    """

    def __init__(self, threads: int | None = None):
        # the name of the file in the vault, which older versions have converted
        graph = vault.converted("face_prints.xml", WEIGHTS, openvino_cpu.version(), _convert)
        self._pool = openvino_cpu.request_pool(graph, openvino_cpu.fastest_precision(), threads or devices.cores())

    def embed(self, pictures: Sequence[np.ndarray], points: Sequence[np.ndarray]) -> np.ndarray:
        """See `vidlib.protocols.FaceEmbedder`."""
        embeddings = self._pool.map(_embed, list(zip(pictures, points, strict=True)))
        return np.stack(embeddings) if embeddings else np.zeros((0, DIMENSION), np.float32)


def align(picture: np.ndarray, points: np.ndarray) -> np.ndarray:
    """The face with ``points``, (478, 2) or (5, 2), turned upright, scaled and centred: (SIDE, SIDE, 3) uint8 RGB."""
    import cv2

    few = len(points) == len(POINT_POSITIONS)
    aligned, positions = (points, POINT_POSITIONS) if few else (points[list(ALIGNED_LANDMARKS)], LANDMARK_POSITIONS)
    target_points = (positions + MARGIN) / (1 + 2 * MARGIN) * SIDE
    # as complex numbers, one factor rotates and scales, and one summand moves (least squares)
    source, target = (np.asarray(xy, float) @ [1, 1j] for xy in (aligned, target_points))
    centred = source - source.mean()
    factor = np.vdot(centred, target) / max(np.vdot(centred, centred).real, 1e-9)
    shift = target.mean() - factor * source.mean()
    matrix = np.array([[factor.real, -factor.imag, shift.real], [factor.imag, factor.real, shift.imag]])
    return cv2.warpAffine(picture, matrix, (SIDE, SIDE), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)


def _embed(request: Any, face: tuple[np.ndarray, np.ndarray]) -> np.ndarray:
    (embedding,) = request.infer({0: align(*face)[np.newaxis]}, share_inputs=True).values()
    return embedding[0].copy()


def _convert(weights: Path, target: Path) -> None:
    """Write the network as OpenVINO's ``target``.xml and .bin: (1, SIDE, SIDE, 3) uint8 RGB -> (1, 128)."""
    import openvino
    from openvino import opset13 as ops

    values = _layer_values(weights.read_bytes())
    picture = ops.parameter([1, SIDE, SIDE, 3], np.uint8, name="picture")
    colours = ops.subtract(ops.convert(picture, "f32"), np.array(MEAN_COLOUR, np.float32))
    x = ops.transpose(ops.divide(colours, np.float32(256)), [0, 3, 1, 2])
    x = ops.relu(_convolution(x, values, 32, size=7, stride=2))
    x = ops.max_pool(x, [2, 2], [1, 1], [0, 0], [0, 0], [3, 3]).output(0)
    for block, n_channels in enumerate(N_CHANNELS, 1):
        x = _residual(x, values, n_channels, halve=block in HALVING_BLOCKS)
    x = ops.reduce_mean(x, [2, 3], keep_dims=False)
    embedding = ops.matmul(x, next(values).reshape(-1, DIMENSION), False, False)
    openvino.save_model(openvino.Model([embedding], [picture]), target, compress_to_fp16=False)


def _residual(x: Any, values: Iterator[np.ndarray], n_channels: int, halve: bool) -> Any:
    """Two convolutions, added to their input; the smaller of the two is padded with zeros."""
    from openvino import opset13 as ops

    y = ops.relu(_convolution(x, values, n_channels, size=3, stride=2 if halve else 1, pad=0 if halve else 1))
    y = _convolution(y, values, n_channels, size=3, pad=1)
    if halve:
        x = ops.avg_pool(x, [2, 2], [0, 0], [0, 0], [2, 2], exclude_pad=True)
    shape = np.maximum(x.shape, y.shape)
    padded = [ops.pad(part, [0] * 4, (shape - part.shape).tolist(), "constant", np.float32(0)) for part in (x, y)]
    return ops.relu(ops.add(*padded))


def _convolution(
    x: Any, values: Iterator[np.ndarray], n_channels: int, *, size: int, stride: int = 1, pad: int = 0
) -> Any:
    """A convolution and the scaling that follows it, as one operation."""
    from openvino import opset13 as ops

    filters, scaling = next(values), next(values)
    kernel, bias = filters[:-n_channels].reshape(n_channels, -1, size, size), filters[-n_channels:]
    scale, shift = scaling[:n_channels], scaling[n_channels:]
    kernel, bias = kernel * scale[:, None, None, None], bias * scale + shift
    y = ops.convolution(x, kernel, [stride] * 2, [pad] * 2, [pad] * 2, [1, 1])
    return ops.add(y, bias.reshape(1, n_channels, 1, 1))


def _layer_values(file: bytes) -> Iterator[np.ndarray]:
    """The values of each layer that has any, (n,) float32, from the first layer to the last, in dlib's own format.

    A layer begins with its name; the last one, a matrix, with its name and the sizes 128 and 256. A version and four
    sizes follow, each as a length in bytes and as many bytes; then as many numbers as the product of the sizes.
    """
    for layer in re.finditer(rb"con_4|affine_|fc_2\x01\x80\x02\x00\x01", file):
        position, header = layer.end(), []
        for _ in range(5):
            length = file[position]
            header.append(int.from_bytes(file[position + 1 : position + 1 + length], "little"))
            position += 1 + length
        yield np.frombuffer(file, "<f4", int(np.prod(header[1:])), position)
