"""CAM++: the network that turns speech into a speaker embedding of 192 numbers.

Wang et al., "CAM++: A Fast and Efficient Network for Speaker Verification Using Context-Aware Masking", Interspeech
2023. Layer names and sizes are those of the published weights (github.com/modelscope/3D-Speaker, Apache-2.0).
"""

import warnings
from collections import OrderedDict
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from vidlib.engines.speech.features import N_MELS

DIMENSION = 192
"""Numbers in a speaker embedding."""

CONTEXT_FRAMES = 100
"""Frames of the local context that masks a frame (the paper's segment of 100 frames)."""


def load(weights: Path) -> nn.Module:
    """The trained network, in evaluation mode: (batch, frames, 80) log-mel -> (batch, 192) float32."""
    network = CamPlusPlus()
    # weights_only reads tensors and never runs code
    network.load_state_dict(torch.load(weights, map_location="cpu", weights_only=True))
    return network.eval()


def to_onnx(weights: Path, target: Path) -> None:
    """Write the network to ``target`` as ONNX: ``features`` (batch, frames, 80) -> ``prints`` (batch, 192)."""
    axes = {"features": {0: "batch", 1: "frames"}, "prints": {0: "batch"}}
    with warnings.catch_warnings():
        # this exporter needs no further package, but warns that it is deprecated
        warnings.simplefilter("ignore")
        torch.onnx.export(
            load(weights),
            (torch.zeros(1, 300, N_MELS),),
            target,
            input_names=["features"],
            output_names=["prints"],
            dynamic_axes=axes,
            opset_version=17,
            dynamo=False,
        )


class CamPlusPlus(nn.Module):
    """(batch, frames, 80) log-mel features with their mean removed -> (batch, 192) speaker embeddings."""

    def __init__(self, growth: int = 32, bottleneck: int = 128, width: int = 128) -> None:
        super().__init__()
        self.head = Head()
        layers: OrderedDict[str, nn.Module] = OrderedDict(tdnn=TdnnLayer(self.head.out_channels, width))
        for number, (n_layers, dilation) in enumerate(((12, 1), (24, 2), (16, 2)), start=1):
            layers[f"block{number}"] = DenseBlock(n_layers, width, growth, bottleneck, dilation)
            width += n_layers * growth
            layers[f"transit{number}"] = Transit(width, width // 2)
            width //= 2
        layers["out_nonlinear"] = norm_relu(width)
        layers["stats"] = StatisticsPooling()
        layers["dense"] = EmbeddingLayer(2 * width)
        self.xvector = nn.Sequential(layers)

    def forward(self, features: Tensor) -> Tensor:
        return self.xvector(self.head(features.transpose(1, 2)))


class Head(nn.Module):
    """2-D convolutions over frequency and time: (batch, 80, frames) -> (batch, 320, frames)."""

    def __init__(self, channels: int = 32) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(1, channels, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(channels)
        self.layer1 = nn.Sequential(Residual(channels, 2), Residual(channels, 1))
        self.layer2 = nn.Sequential(Residual(channels, 2), Residual(channels, 1))
        self.conv2 = nn.Conv2d(channels, channels, 3, stride=(2, 1), padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(channels)
        self.out_channels = channels * N_MELS // 8

    def forward(self, features: Tensor) -> Tensor:
        maps = F.relu(self.bn1(self.conv1(features.unsqueeze(1))))
        maps = self.layer2(self.layer1(maps))
        return F.relu(self.bn2(self.conv2(maps))).flatten(1, 2)


class Residual(nn.Module):
    """A residual block of two convolutions; ``stride`` is over frequency only."""

    def __init__(self, channels: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels, channels, 3, stride=(stride, 1), padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(channels)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(channels)
        self.shortcut = nn.Sequential()
        if stride != 1:
            shrink = nn.Conv2d(channels, channels, 1, stride=(stride, 1), bias=False)
            self.shortcut = nn.Sequential(shrink, nn.BatchNorm2d(channels))

    def forward(self, maps: Tensor) -> Tensor:
        inner = self.bn2(self.conv2(F.relu(self.bn1(self.conv1(maps)))))
        return F.relu(inner + self.shortcut(maps))


class TdnnLayer(nn.Module):
    """A convolution over time that halves the frame rate."""

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        self.linear = nn.Conv1d(in_channels, out_channels, 5, stride=2, padding=2, bias=False)
        self.nonlinear = norm_relu(out_channels)

    def forward(self, frames: Tensor) -> Tensor:
        return self.nonlinear(self.linear(frames))


class DenseBlock(nn.ModuleDict):
    """Layers that each see the output of all before them."""

    def __init__(self, n_layers: int, in_channels: int, growth: int, bottleneck: int, dilation: int) -> None:
        super().__init__(
            {
                f"tdnnd{i + 1}": DenseLayer(in_channels + i * growth, growth, bottleneck, dilation)
                for i in range(n_layers)
            }
        )

    def forward(self, frames: Tensor) -> Tensor:
        for layer in self.values():
            frames = torch.cat([frames, layer(frames)], dim=1)
        return frames


class DenseLayer(nn.Module):
    """A bottleneck, then a context-aware masked convolution."""

    def __init__(self, in_channels: int, growth: int, bottleneck: int, dilation: int) -> None:
        super().__init__()
        self.nonlinear1 = norm_relu(in_channels)
        self.linear1 = nn.Conv1d(in_channels, bottleneck, 1, bias=False)
        self.nonlinear2 = norm_relu(bottleneck)
        self.cam_layer = ContextMask(bottleneck, growth, dilation)

    def forward(self, frames: Tensor) -> Tensor:
        return self.cam_layer(self.nonlinear2(self.linear1(self.nonlinear1(frames))))


class ContextMask(nn.Module):
    """A convolution, masked by the context: the mean of the whole input and that of 100 frames around."""

    def __init__(self, in_channels: int, out_channels: int, dilation: int) -> None:
        super().__init__()
        self.linear_local = nn.Conv1d(in_channels, out_channels, 3, padding=dilation, dilation=dilation, bias=False)
        self.linear1 = nn.Conv1d(in_channels, in_channels // 2, 1)
        self.linear2 = nn.Conv1d(in_channels // 2, out_channels, 1)

    def forward(self, frames: Tensor) -> Tensor:
        local = F.avg_pool1d(frames, CONTEXT_FRAMES, CONTEXT_FRAMES, ceil_mode=True)
        # the mask is the same for all frames of a segment: computed once, then spread
        context = frames.mean(-1, keepdim=True) + local
        mask = torch.sigmoid(self.linear2(F.relu(self.linear1(context))))
        spread = mask.repeat_interleave(CONTEXT_FRAMES, dim=-1)[..., : frames.shape[-1]]
        return self.linear_local(frames) * spread


class Transit(nn.Module):
    """Fewer channels, same frames."""

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        self.nonlinear = norm_relu(in_channels)
        self.linear = nn.Conv1d(in_channels, out_channels, 1, bias=False)

    def forward(self, frames: Tensor) -> Tensor:
        return self.linear(self.nonlinear(frames))


class StatisticsPooling(nn.Module):
    """(batch, channels, frames) -> (batch, 2 x channels): mean and standard deviation over time."""

    def forward(self, frames: Tensor) -> Tensor:
        return torch.cat([frames.mean(-1), frames.std(-1)], dim=1)


class EmbeddingLayer(nn.Module):
    """(batch, channels) -> (batch, 192), normalized over the speakers of the training."""

    def __init__(self, in_channels: int) -> None:
        super().__init__()
        self.linear = nn.Conv1d(in_channels, DIMENSION, 1, bias=False)
        self.nonlinear = nn.Sequential(OrderedDict(batchnorm=nn.BatchNorm1d(DIMENSION, affine=False)))

    def forward(self, statistics: Tensor) -> Tensor:
        return self.nonlinear(self.linear(statistics.unsqueeze(-1)).squeeze(-1))


def norm_relu(channels: int) -> nn.Sequential:
    """Batch normalization and ReLU, under the names that the weights have."""
    return nn.Sequential(OrderedDict(batchnorm=nn.BatchNorm1d(channels), relu=nn.ReLU(inplace=True)))
