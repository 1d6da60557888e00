"""The segmentation of pyannote.audio on a sound of any length, of which a few windows at a time are in memory."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch
from torch import Tensor

from vidlib.engines.runtime.pool import Pool
from vidlib.engines.speech.pyannote.imports import Inference, SlidingWindow, SlidingWindowFeature
from vidlib.media.audio import SAMPLE_RATE, Samples

BATCH = 30
"""Windows in a batch of segmentation, and local speakers in a batch of embeddings."""

WINDOWS_PER_CORE = 3
"""Windows that a core segments together; always the same number, because it can change the last digits."""


def batches(sound: Samples, window: SlidingWindow) -> Iterator[tuple[slice, int, dict[str, Any]]]:
    """Cut ``sound`` into batches of `BATCH` windows: their indices, the number of all windows, pyannote.audio's file.

    pyannote.audio cuts each file into the same windows, in the same batches, as it would cut the whole sound. Windows
    start every ``window.step`` seconds and last ``window.duration``; the last one may extend beyond the sound.
    """
    length, step = round(window.duration * SAMPLE_RATE), round(window.step * SAMPLE_RATE)
    n_windows = 1 + max(0, -(-(len(sound) - length) // step))
    for first in range(0, n_windows, BATCH):
        stop = min(first + BATCH, n_windows)
        part = torch.from_numpy(sound[first * step : (stop - 1) * step + length])
        yield slice(first, stop), n_windows, {"waveform": part[None], "sample_rate": SAMPLE_RATE, "uri": "sound"}


class BatchedSegmentation(Inference):
    """The segmentation of the pipeline, `WINDOWS_PER_CORE` windows at a time in each of the ``threads``.

    After a call of a powerset model, ``probability`` is that of any speech, (windows, frames, 1) float32.
    """

    probability: SlidingWindowFeature | None = None

    def __init__(self, whole: Inference, threads: Pool[None]):
        super().__init__(
            whole.model,
            duration=whole.duration,
            step=whole.step,
            skip_aggregation=True,
            skip_conversion=True,
            batch_size=BATCH,
        )
        self._threads, self._to_multilabel = threads, whole.conversion

    def __call__(self, file: dict[str, Any], hook: Callable[..., None] | None = None) -> SlidingWindowFeature:
        """Segment ``file["sound"]``, `Samples` -> (windows, frames, local speakers): 0 and 1, or probabilities.

        The values are uint8 from a powerset model, else float32.
        """
        window = SlidingWindow(start=0.0, duration=self.duration, step=self.step)
        segmentations, probabilities = [], []
        for indices, n_windows, batch in batches(file["sound"], window):
            outputs = self.outputs(batch)
            if self.model.specifications.powerset:
                segmentations.append(self._to_multilabel(torch.from_numpy(outputs)).numpy().astype(np.uint8))
                probabilities.append(1 - np.exp(outputs[..., :1]))
            else:
                segmentations.append(outputs)
            if hook:
                hook(completed=indices.stop, total=n_windows)
        if probabilities:
            self.probability = SlidingWindowFeature(np.concatenate(probabilities), window)
        return SlidingWindowFeature(np.concatenate(segmentations), window)

    def outputs(self, batch: dict[str, Any]) -> np.ndarray:
        """(windows, frames, classes) float32: of a powerset model, the logarithm of each probability, silence first."""
        return super().__call__(batch).data.astype(np.float32)

    def infer(self, chunks: Tensor) -> np.ndarray:
        """(windows, 1, samples) -> (windows, frames, classes)."""
        infer = super().infer
        return np.concatenate(self._threads.map(lambda _, few: infer(few), chunks.split(WINDOWS_PER_CORE)))
