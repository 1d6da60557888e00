"""pyannote.audio's network on a sound of any length: it is read and heard some windows at a time."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from vidlib.engines.runtime.pool import Pool
from vidlib.engines.speech.pyannote.imports import Inference, SlidingWindow, SlidingWindowFeature
from vidlib.media.audio import SAMPLE_RATE, Samples

BATCH = 30
"""Windows, and voices in windows, that go through the networks together."""

TOGETHER = 3
"""Windows in which a core looks for voices at once: always the same number, for it can change the last digits."""


def pieces(sound: Samples, window: SlidingWindow) -> Iterator[tuple[slice, int, dict[str, Any]]]:
    """The ``sound``, `BATCH` windows at a time: which they are, how many there are in all, and pyannote.audio's file.

    It cuts each piece into the very windows, in the same batches, that it would cut the whole into. Those start each
    ``window.step`` seconds, for ``window.duration``; the last one may reach beyond the end.
    """
    length, step = round(window.duration * SAMPLE_RATE), round(window.step * SAMPLE_RATE)
    n_windows = 1 + max(0, -(-(len(sound) - length) // step))
    for first in range(0, n_windows, BATCH):
        stop = min(first + BATCH, n_windows)
        piece = torch.from_numpy(sound[first * step : (stop - 1) * step + length])
        yield slice(first, stop), n_windows, {"waveform": piece[None], "sample_rate": SAMPLE_RATE, "uri": "sound"}


class VoicesInWindows(Inference):
    """The pipeline's segmentation, a few windows at a time in each of the ``threads``."""

    def __init__(self, whole: Inference, threads: Pool):
        windows = {"duration": whole.duration, "step": whole.step, "batch_size": BATCH}
        super().__init__(whole.model, skip_aggregation=True, **windows)
        self._threads = threads
        self.speech: list[np.ndarray] = []
        """How likely anybody speaks, (windows, frames, 1), of all windows since it was emptied."""
        if self.model.specifications.powerset:
            self.conversion = WithSpeech(self.conversion)

    def __call__(self, file: dict[str, Any], hook: Callable | None = None) -> SlidingWindowFeature:
        """The file's "sound", `Samples` -> (windows, frames, voices): 0 and 1 as uint8, or probabilities."""
        window = SlidingWindow(start=0.0, duration=self.duration, step=self.step)
        kind = np.uint8 if self.model.specifications.powerset else np.float32
        found = []
        for at, n_windows, piece in pieces(file["sound"], window):
            found.append(super().__call__(piece).data.astype(kind))
            if hook:
                hook(completed=at.stop, total=n_windows)
        return SlidingWindowFeature(np.concatenate(found), window)

    def infer(self, chunks: Tensor) -> np.ndarray:
        """(windows, 1, samples) -> (windows, frames, voices)."""
        infer = super().infer
        found = np.concatenate(self._threads.map(lambda _, few: infer(few), chunks.split(TOGETHER)))
        if not self.model.specifications.powerset:
            return found
        # a copy: a part of the array would keep all of it
        self.speech.append(found[..., -1:].copy())
        return found[..., :-1]


class WithSpeech(nn.Module):
    """What the network says, (..., sets of voices) log-probabilities, as voices, and how likely there is any."""

    def __init__(self, voices: nn.Module):
        super().__init__()
        self._voices = voices

    def forward(self, said: Tensor) -> Tensor:
        # the first set is the empty one
        return torch.cat([self._voices(said), 1 - said[..., :1].exp()], dim=-1)
