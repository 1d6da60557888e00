"""The layers of LR-ASD in PyTorch, which are only imported to convert its weights; see `lrasd`.

The names of the attributes are those of the published weights. Each encoder has three blocks. A block convolves twice
within one moment (along both axes of a picture, or the one of a spectrum), then twice along time. Between blocks, the
maximum of neighbours halves the picture, or the spectrum.
"""

from collections.abc import Mapping
from functools import partial
from itertools import pairwise

import torch
from torch import nn

CHANNELS = (1, 32, 64, 128)
KERNEL_SIZES = (5, 3)
GREY_MEAN, GREY_STD = 0.4161, 0.1688
"""Mean and standard deviation of the grey values of the training pictures, in [0, 1]."""


class _Block(nn.Module):
    """Four convolutions, each with a batch normalization.

    ``axes`` has two entries, named by the prefix of the weights: for the convolutions within a moment and for those
    along time. Each tells for every axis whether the kernel extends along it.
    """

    def __init__(
        self,
        n_in: int,
        n_out: int,
        layers: tuple[type[nn.Module], type[nn.Module]],
        axes: Mapping[str, tuple[bool, ...]],
        stride: int,
    ):
        super().__init__()
        convolution, norm = layers
        within, time = axes
        channels = {f"{within}_1": (n_in, n_out // 2), f"{within}_2": (n_out // 2, n_out)}
        channels |= {f"{time}_1": (n_out, n_out), f"{time}_2": (n_out, n_out)}
        for (name, (before, after)), size in zip(channels.items(), KERNEL_SIZES * 2, strict=True):
            extends = axes[name[0]]
            shape = [size if along else 1 for along in extends]
            strides = [stride if along and name == f"{within}_1" else 1 for along in extends]
            padding = [side // 2 for side in shape]
            self.add_module(name, convolution(before, after, shape, strides, padding, bias=False))
            self.add_module(f"{name[0]}_norm_{name[2]}", norm(after, eps=0.001))
        self.names = [(name, f"{name[0]}_norm_{name[2]}") for name in channels]

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        for convolution, norm in self.names:
            x = torch.relu(self.get_submodule(norm)(self.get_submodule(convolution)(x)))
        return x


class VisualEncoder(nn.Module):
    """Mouth crops (1, n, side, side) uint8 grey -> features (1, n, 128)."""

    block1: _Block
    block2: _Block
    block3: _Block

    def __init__(self) -> None:
        super().__init__()
        axes = {"s": (False, True, True), "t": (True, False, False)}
        for number, (before, after) in enumerate(pairwise(CHANNELS), 1):
            stride = 2 if number == 1 else 1
            self.add_module(f"block{number}", _Block(before, after, (nn.Conv3d, nn.BatchNorm3d), axes, stride))
        self.pool = nn.MaxPool3d((1, 3, 3), (1, 2, 2), (0, 1, 1))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = (x.unsqueeze(1).float() / 255 - GREY_MEAN) / GREY_STD
        x = self.pool(self.block1(x))
        x = self.pool(self.block2(x))
        return self.block3(x).amax(dim=(3, 4)).transpose(1, 2)


class AudioEncoder(nn.Module):
    """MFCC (1, 4 n, 13) float32 -> features (1, n, 128)."""

    block1: _Block
    block2: _Block
    block3: _Block

    def __init__(self) -> None:
        super().__init__()
        axes = {"m": (True, False), "t": (False, True)}
        for number, (before, after) in enumerate(pairwise(CHANNELS), 1):
            self.add_module(f"block{number}", _Block(before, after, (nn.Conv2d, nn.BatchNorm2d), axes, 1))
        self.pool = nn.MaxPool2d((1, 3), (1, 2), (0, 1))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = x.transpose(1, 2).unsqueeze(1)
        x = self.pool(self.block1(x))
        x = self.pool(self.block2(x))
        return self.block3(x).mean(dim=2).transpose(1, 2)


class _ChannelAttention(nn.Module):
    """Weighs each feature by all of them: (1, n, channels) -> the same shape."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.attention = nn.Conv1d(channels, channels, 1, bias=False)
        self.bn = nn.BatchNorm1d(channels, eps=0.001)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x * torch.sigmoid(self.bn(self.attention(x.transpose(1, 2)))).transpose(1, 2)


class Detector(nn.Module):
    """Audio and visual features (1, n, 128 + 128) -> log-odds (1, n) that the mouth makes the sound."""

    def __init__(self) -> None:
        super().__init__()
        self.fusion = _ChannelAttention(2 * CHANNELS[-1])
        gru = partial(nn.GRU, 2 * CHANNELS[-1], CHANNELS[-1] // 2, batch_first=True)
        attention = _ChannelAttention(CHANNELS[-1])
        self.detector = nn.ModuleDict({"gru_forward": gru(), "gru_backward": gru(), "attention": attention})
        self.lossAV = nn.ModuleDict({"FC": nn.Linear(CHANNELS[-1], 2)})

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.fusion(x)
        forward, _ = self.detector["gru_forward"](x)
        backward, _ = self.detector["gru_backward"](x.flip(1))
        x = self.detector["attention"](torch.cat([forward, backward.flip(1)], dim=-1))
        silent, speaks = self.lossAV["FC"](x).unbind(-1)
        return speaks - silent
