"""The diarization pipeline of pyannote.audio, with the models of the vault, for short turns and sounds of any length.

Bredin, "pyannote.audio 2.1 speaker diarization pipeline" (Interspeech 2023): a segmentation network finds up to three
local speakers in each window of ten seconds, each gets a speaker embedding, and embeddings are clustered into speakers.

Turns in TV videos are short. So four settings differ from the published ones, all measured (docs/how-we-measure.md):

- A local speaker forms clusters from half a second of speech in a window (published: two seconds).
- Clusters merge by complete linkage (published: centroid).
- The mean of the features is that of one speaker (published: of the window).
- Windows start every 1.25 s (published: every second), which saves time.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from vidlib import vault
from vidlib.engines.runtime.pool import Pool
from vidlib.engines.speech.diarization.aggregation import aggregate_activity, most_active
from vidlib.engines.speech.diarization.clustering import assign_clusters
from vidlib.engines.speech.diarization.confidence import Voices
from vidlib.engines.speech.diarization.merging import merge_speakers, speakers_at_once
from vidlib.engines.speech.diarization.resegmentation import Activity, resegment
from vidlib.engines.speech.diarization.speech_level import missed_speech, pauses, stands_out
from vidlib.engines.speech.loudness import normalize_loudness
from vidlib.engines.speech.pyannote.embedding import EmbeddingModel
from vidlib.engines.speech.pyannote.folder import PipelineConfig
from vidlib.engines.speech.pyannote.imports import (
    PLDA,
    AgglomerativeClustering,
    Annotation,
    Inference,
    SlidingWindow,
    SlidingWindowFeature,
    SpeakerDiarization,
)
from vidlib.engines.speech.pyannote.windows import BATCH, BatchedSegmentation, batches
from vidlib.engines.speech.tracks import LOUDNESS_DB
from vidlib.engines.speech.vad import CHUNK_S, VoiceActivityDetector
from vidlib.machine.devices import Device
from vidlib.media.audio import Samples

WINDOW_STEP = 0.125
"""Step from one window to the next, as a share of the window.

Diarization error rates with 0.125, and with the published 0.1: eight films 0.228 and 0.234, nine meetings 0.284 and
0.288. With 0.2 a dialogue has 0.073 instead of 0.053.
"""

MIN_ACTIVE_RATIO = 0.05
"""Share of a window in which a local speaker must talk alone to form clusters."""

MAX_CLUSTERED = 2500
"""Local speakers that are compared in pairs, those of 25 minutes of film; memory grows with the square.

From more, every n-th forms the clusters, and the others join the most similar one. With `WINDOW_STEP`, every
utterance is in eight windows.
"""


class Pipeline(SpeakerDiarization):
    """pyannote.audio's pipeline with the models and clustering of the vault, or with those of ``config``.

    After `apply`, ``votes`` holds for each instant and speaker the share of the windows around it that hear the
    speaker, (instants, speakers) in [0, 1]. Speakers without turns have columns too. ``voices`` are the embeddings
    of the first columns, None without resegmentation.
    """

    def __init__(self, device: Device, threads: Pool[None], config: PipelineConfig | None = None):
        models = config.arguments if config else _vault_models(device, threads)
        super().__init__(
            **{"plda": NoPlda(), "segmentation_batch_size": BATCH, "embedding_batch_size": BATCH, **models}
        )
        self._segmentation = BatchedSegmentation(self._segmentation, threads)
        if config is None:
            self.clustering = ShortTurnClustering(metric="cosine", constrained_assignment=True)
        self.votes: SlidingWindowFeature | None = None
        self.voices: Voices | None = None
        self._resegments = config is None
        self._detector = VoiceActivityDetector() if config is None else None

    def apply(self, file: dict[str, Any], **options: Any) -> Annotation:
        """Diarize ``file["sound"]``, `Samples` at 16 kHz; ``options`` are those of pyannote.audio.

        The labels of the result are the columns of ``votes``: pyannote.audio sorts its own as text, 10 before 2.
        """
        self._sound: Samples = file["sound"]
        self.votes, self.voices = None, None
        self._min_speakers, self._max_speakers = options.get("min_speakers") or 1, options.get("max_speakers")
        self._annotation: Annotation | None = None
        super().apply(file, **options)
        return Annotation() if self._annotation is None else self._annotation

    def to_annotation(self, discrete_diarization: SlidingWindowFeature, **options: Any) -> Annotation:
        """Who speaks in each instant, (instants, speakers) -> turns, with columns as labels."""
        annotation = super().to_annotation(discrete_diarization, **options)
        if self._annotation is None:  # the second call wants one speaker at a time, which is not used here
            self._annotation = annotation
        return annotation

    def speaker_count(
        self, segmentation: SlidingWindowFeature, frames: SlidingWindow, **options: Any
    ) -> SlidingWindowFeature:
        """The number of speakers in each instant, (instants, 1), corrected where the level says otherwise."""
        count = super().speaker_count(segmentation, frames, **options)
        if self._detector is None or not segmentation.data.any():
            return count
        speakers, step_s = count.data[:, 0], frames.step
        self.clustering.fewest = speakers_at_once(speakers, step_s)
        loud = stands_out(self._sound, step_s, len(speakers))
        probability = Inference.aggregate(self._segmentation.probability, frames).data[:, 0]
        speakers[pauses(loud, probability, step_s)] = 0
        heard = self._detector.speech_probability(normalize_loudness(self._sound, LOUDNESS_DB))
        chunks = ((np.arange(len(speakers)) + 0.5) * step_s / CHUNK_S).astype(int)
        detected = np.pad(heard, (0, max(0, chunks[-1] + 1 - len(heard))))[chunks]
        speakers[missed_speech(loud & (speakers == 0), detected, step_s)] = 1
        return count

    def get_embeddings(
        self,
        file: dict[str, Any],
        binary_segmentations: SlidingWindowFeature,
        exclude_overlap: bool = False,
        hook: Callable[..., None] | None = None,
    ) -> np.ndarray:
        """Speaker embeddings, (windows, local speakers, dimensions), computed for one batch of windows at a time."""
        window, embeddings = binary_segmentations.sliding_window, []
        for indices, n_windows, batch in batches(file["sound"], window):
            segmentation = SlidingWindowFeature(binary_segmentations.data[indices], window)
            embeddings.append(super().get_embeddings(batch, segmentation, exclude_overlap))
            if hook:
                hook("embeddings", None, completed=indices.stop, total=n_windows)
        return np.concatenate(embeddings)

    def reconstruct(
        self, segmentations: SlidingWindowFeature, hard_clusters: np.ndarray, count: SlidingWindowFeature
    ) -> SlidingWindowFeature:
        """Local speakers and their clusters -> who speaks in each instant, (instants, speakers) bool."""
        frames, windows = count.sliding_window, segmentations.sliding_window
        starts_s = [windows[n].start + frames.duration / 2 for n in range(len(hard_clusters))]
        first_instants = [frames.closest_frame(start_s) for start_s in starts_s]
        activity, n_windows = aggregate_activity(segmentations.data, first_instants, hard_clusters, len(count.data))
        speaks = most_active(activity, count.data[:, 0])
        if self.votes is None:  # the second call wants one speaker at a time, which is not used here
            n_speakers = activity.shape[1]
            votes = np.zeros(speaks.shape, np.float32)  # nobody votes for the columns beyond the speakers
            np.divide(activity, np.maximum(n_windows, 1), out=votes[:, :n_speakers], dtype=np.float32)
            if self._resegments and self.clustering.centroids is not None:
                # the last centroids may belong to no local speaker
                centroids = self.clustering.centroids[:n_speakers]
                speaks, votes = self._resegment(frames, speaks, votes, centroids)
            self.votes = SlidingWindowFeature(votes, frames)
        return SlidingWindowFeature(speaks, frames)

    def _resegment(
        self, frames: SlidingWindow, speaks: np.ndarray, votes: np.ndarray, centroids: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Correct ``speaks`` and ``votes``, (instants, speakers); both may get or lose columns of speakers."""
        n = len(centroids)
        times = frames.start + frames.duration / 2 + frames.step * np.arange(len(speaks))
        activity, gap_s = Activity(times, speaks[:, :n], votes[:, :n]), self.segmentation.min_duration_off
        embed = self._embedding.model_.embed
        corrected = resegment(self._sound, centroids, activity, gap_s, embed, self._max_speakers)
        corrected = merge_speakers(corrected, self._min_speakers)
        self.voices = corrected.voices
        # columns beyond the speakers, where more speak at once than there are speakers, stay last
        return np.hstack([corrected.speaks, speaks[:, n:]]), np.hstack([corrected.votes, votes[:, n:]])


class ShortTurnClustering(AgglomerativeClustering):
    """Agglomerative clustering that includes local speakers who talk little in a window.

    There are at least ``fewest`` clusters, if the sound has so many distinct speakers. After a call, ``centroids`` are
    the embeddings of the speakers, (speakers, 192), or None where one is not finite.
    """

    centroids: np.ndarray | None = None
    fewest = 1

    def __call__(self, **arguments: Any) -> tuple[np.ndarray, np.ndarray, None]:
        arguments["min_clusters"] = max(arguments["min_clusters"], min(self.fewest, arguments["max_clusters"]))
        clusters, soft_clusters, centroids = super().__call__(**arguments)
        self.centroids = centroids if np.isfinite(centroids).all() else None
        # pyannote.audio would sort the centroids by speaker, but resegmentation adds speakers who have none
        return clusters, soft_clusters, None

    def constrained_argmax(self, soft_clusters: np.ndarray) -> np.ndarray:
        """See `assign_clusters`; the original has no room for more than 128 clusters."""
        return assign_clusters(soft_clusters)

    def filter_embeddings(
        self, embeddings: np.ndarray, segmentations: SlidingWindowFeature | None = None
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """The embeddings that form clusters, at most `MAX_CLUSTERED`, with their windows and local speakers."""
        filtered = super().filter_embeddings(embeddings, segmentations, min_active_ratio=MIN_ACTIVE_RATIO)
        every = max(1, -(-len(filtered[0]) // MAX_CLUSTERED))
        chosen, windows, local_speakers = (part[::every] for part in filtered)
        return chosen, windows, local_speakers


class NoPlda(PLDA):
    """An empty PLDA model: the pipeline requires one, although its clustering uses none."""

    def __init__(self) -> None:
        """Load nothing."""


def _vault_models(device: Device, threads: Pool[None]) -> dict[str, Any]:
    """The arguments of `SpeakerDiarization` for the models of the vault."""
    return {
        "segmentation": str(vault.path("speech_segmentation")),
        "embedding": EmbeddingModel(device, threads),
        "segmentation_step": WINDOW_STEP,
        "embedding_exclude_overlap": True,
        "clustering": "AgglomerativeClustering",
    }
