"""Variants of the diarization: stages of the product replaced by those of pyannote.audio, left out, or added."""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import Any, NamedTuple
from unittest.mock import patch

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import interpolate

from vidlib.engines.speech.diarization import resegmentation, splitting
from vidlib.engines.speech.pyannote import embedding, engine, pipeline
from vidlib.engines.speech.pyannote.embedding import EmbeddingModel
from vidlib.engines.speech.pyannote.imports import SpeakerDiarization
from vidlib.engines.speech.pyannote.pipeline import Pipeline
from vidlib.engines.speech.tracks import speech_mask
from vidlib.engines.speech.vad import CHUNK_S, VoiceActivityDetector

PUBLISHED_THRESHOLD = 0.7045654963945799
"""Of speaker-diarization-3.1, for centroid linkage."""


class Change(NamedTuple):
    """Another ``value`` for the ``attribute`` of a module or class ``target``, for the length of a block."""

    target: object
    attribute: str
    value: object


class Setting(NamedTuple):
    """Other ``values`` in a ``group`` of the pipeline's hyper-parameters: segmentation or clustering."""

    group: str
    values: Mapping[str, object]


Variant = tuple[Change | Setting, ...]


@contextmanager
def applied(variant: Variant) -> Iterator[None]:
    """In the block, every engine of pyannote that is opened is this variant of the product."""
    settings = [part for part in variant if isinstance(part, Setting)]
    parameters = engine._parameters

    def changed_parameters(*arguments: Any) -> dict[str, Any]:
        values = parameters(*arguments)
        for setting in settings:
            values[setting.group] = {**values[setting.group], **setting.values}
        return values

    with ExitStack() as stack:
        stack.enter_context(patch.object(engine, "_parameters", changed_parameters))
        for part in variant:
            if isinstance(part, Change):
                stack.enter_context(patch.object(part.target, part.attribute, part.value))
        yield


def mean_of_window(self: EmbeddingModel, waveforms: Tensor, weights: Tensor) -> Tensor:
    """As `EmbeddingModel.forward`, but the mean of the features is that of the window, with all of its speakers."""
    sounds, window_of = torch.unique_consecutive(waveforms, dim=0, return_inverse=True)
    features = torch.stack(self._threads.map(embedding._log_mel, sounds))
    features = features - features.mean(dim=1, keepdim=True)
    speaks = interpolate(weights[:, None], size=features.shape[1], mode="nearest")[:, 0] > 0.5
    spoken = [features[window][mask] for window, mask in zip(window_of, speaks, strict=True)]
    too_short = torch.full((self.dimension,), torch.nan)
    return torch.stack([too_short if len(one) < embedding.MIN_FRAMES else self._network(one) for one in spoken])


def own_sources(stretches: list[object], windows: list[int]) -> list[int]:
    """Each stretch of speech has an embedding of its own."""
    return list(range(len(windows)))


def unchanged(sound: object, centroids: object, activity: resegmentation.Activity, *_: object) -> object:
    """No resegmentation."""
    return activity


def unsplit(
    embeddings: object, speakers: np.ndarray, n_speakers: int, _: object = None
) -> tuple[np.ndarray, list[int]]:
    """No cluster is split."""
    return speakers, list(range(n_speakers))


def unmerged(activity: resegmentation.Activity, *_: object) -> resegmentation.Activity:
    """No two speakers become one."""
    return activity


def nowhere(loud: np.ndarray, *_: object) -> np.ndarray:
    """No pause, and no missed speech."""
    return np.zeros(len(loud), bool)


def second_detector(self: Pipeline, segmentation: Any, frames: Any, **options: Any) -> Any:
    """One speaker where Silero hears speech and the segmentation does not; resegmentation decides who."""
    count = SpeakerDiarization.speaker_count(segmentation, frames, **options)
    times_s = frames.start + frames.duration / 2 + frames.step * np.arange(len(count.data))
    is_speech = speech_mask(self._sound, VoiceActivityDetector())
    chunks = np.minimum((times_s / CHUNK_S).astype(int), len(is_speech) - 1)
    if segmentation.data.any():
        count.data = np.maximum(count.data, is_speech[chunks, None])
    return count


REPLACED: dict[str, Variant] = {
    "a window every 1 s": (Change(pipeline, "WINDOW_STEP", 0.1),),
    "an embedding for each window": (Change(embedding, "embedding_sources", own_sources),),
    "features without the mean of the window": (Change(EmbeddingModel, "forward", mean_of_window),),
    "clusters from 2 s of speech": (Change(pipeline, "MIN_ACTIVE_RATIO", 0.2),),
    "centroid linkage": (Setting("clustering", {"method": "centroid", "threshold": PUBLISHED_THRESHOLD}),),
    "pauses in noise are speech": (Change(pipeline, "pauses", nowhere),),
    "missed speech stays missed": (Change(pipeline, "missed_speech", nowhere),),
    "no pauses closed": (Setting("segmentation", {"min_duration_off": 0.0}),),
    "no resegmentation": (Change(pipeline, "resegment", unchanged),),
    "no merging": (Change(pipeline, "merge_speakers", unmerged),),
}
"""What pyannote.audio has in the place of a stage; all together are its published pipeline, with our embeddings."""

PLAIN: Variant = tuple(part for variant in REPLACED.values() for part in variant)

ALTERNATIVES: dict[str, Variant] = {
    "no splitting": (Change(resegmentation, "split_clusters", unsplit),),
    "average linkage": (Setting("clustering", {"method": "average", "threshold": 0.65}),),
    "a second detector everywhere": (Change(Pipeline, "speaker_count", second_detector),),
    "splitting from 1.5 times the speech": (Change(splitting, "MIN_GROUP_SIZE", 5),),
    "clusters from 1 s of speech": (Change(pipeline, "MIN_ACTIVE_RATIO", 0.1),),
    "clusters from two windows": (Setting("clustering", {"min_cluster_size": 2}),),
}
"""What was tried beside: other ways, and stages that were not taken."""

THRESHOLDS: dict[str, Variant] = {
    f"threshold {value}": (Setting("clustering", {"threshold": value}),)
    for value in (0.5, 0.6, 0.65, 0.7, 0.75, 0.8, 0.85)
}
"""Candidates for the threshold of clustering, among which leave-one-out chooses."""
