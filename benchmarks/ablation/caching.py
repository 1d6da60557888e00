"""Cached stages: a folder keeps what the networks of pyannote return for a sound.

These do not depend on the later stages, so that a variant of those takes a fraction of a second.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np

from vidlib.engines.speech.diarization import resegmentation
from vidlib.engines.speech.diarization.viterbi import Window
from vidlib.engines.speech.pyannote import embedding
from vidlib.engines.speech.pyannote.imports import SlidingWindowFeature
from vidlib.engines.speech.pyannote.pipeline import Pipeline
from vidlib.engines.speech.pyannote.windows import BatchedSegmentation


class OutputCache:
    """The outputs of networks, in one file of the ``folder``."""

    def __init__(self, folder: Path):
        self._file = folder / "outputs.npz"
        self._outputs: dict[str, np.ndarray] = dict(np.load(self._file)) if self._file.exists() else {}
        self._n_saved = len(self._outputs)

    def output(self, compute: Callable[[], np.ndarray], *key: object) -> np.ndarray:
        """A copy of the output under this ``key``, computed once."""
        name = sha256(f"{key}".encode()).hexdigest()
        if name not in self._outputs:
            self._outputs[name] = compute()
        return self._outputs[name].copy()

    def save(self) -> None:
        """Write the file if it lacks an output."""
        if len(self._outputs) > self._n_saved:
            self._file.parent.mkdir(parents=True, exist_ok=True)
            np.savez(self._file, **self._outputs)
            self._n_saved = len(self._outputs)


@contextmanager
def cached_networks(folder: Path) -> Iterator[OutputCache]:
    """In the block, engines of pyannote look up in ``folder`` what their networks return for a whole sound.

    The segmentation keeps the logarithms of the probabilities of all powerset classes.
    """
    cache = OutputCache(folder)
    segment, embed = BatchedSegmentation.outputs, Pipeline.get_embeddings
    embed_windows = resegmentation.embed_windows

    def outputs(self: BatchedSegmentation, batch: dict[str, Any]) -> np.ndarray:
        key = (digest(batch["waveform"].numpy()), "powerset", self.step)
        return cache.output(lambda: segment(self, batch), *key)

    def embeddings(
        self: Pipeline, file: dict[str, Any], segmentation: SlidingWindowFeature, *rest: Any, **more: Any
    ) -> np.ndarray:
        of_variant = [
            function.__qualname__ for function in (embedding.EmbeddingModel.forward, embedding.embedding_sources)
        ]
        key = (digest(file["sound"]), digest(segmentation.data), "embeddings", segmentation.sliding_window.step)
        return cache.output(lambda: embed(self, file, segmentation, *rest, **more), *key, *of_variant)

    def of_windows(sound: np.ndarray, windows: Sequence[Window], network: Any) -> np.ndarray:
        key = (digest(sound), "window")
        computed = [partial(embed_windows, sound, [window], network) for window in windows]
        return np.concatenate([cache.output(one, *key, *window) for one, window in zip(computed, windows, strict=True)])

    with (
        patch.object(BatchedSegmentation, "outputs", outputs),
        patch.object(Pipeline, "get_embeddings", embeddings),
        patch.object(resegmentation, "embed_windows", of_windows),
    ):
        try:
            yield cache
        finally:
            cache.save()


def digest(array: np.ndarray) -> str:
    """A name for the content of an array."""
    return sha256(np.ascontiguousarray(array)).hexdigest()
