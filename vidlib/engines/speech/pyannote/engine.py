"""pyannote.audio's diarization with voice prints by CAM++: who speaks when, offline.

The pipeline of Bredin, "pyannote.audio 2.1 speaker diarization pipeline" (Interspeech 2023): a network finds up to
three voices in each window of ten seconds, each gets a voice print, and voice prints are clustered into people. Turns
in TV clips are short, so three things differ from the published settings, all measured (docs/audio.md): a voice counts
in the clustering from half a second of speech on in a window (published: two seconds), clusters are joined by complete
linkage (published: centroid), and the mean of the features is taken over one voice (published: over the window). A
fourth saves time: windows begin every 1.25 s (published: every second).
"""

import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from functools import partial
from typing import Any, Self

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import interpolate

from vidlib import vault
from vidlib.engines.runtime.pool import Pool
from vidlib.engines.speech import Diarization, Options, joined
from vidlib.engines.speech.diarization import campplus
from vidlib.engines.speech.diarization.aggregation import heard_around, most_heard
from vidlib.engines.speech.diarization.embedding import DIMENSION, MIN_FRAMES, one_core
from vidlib.engines.speech.diarization.resegmentation import Heard, hear_again
from vidlib.engines.speech.diarization.reuse import whose_prints
from vidlib.engines.speech.features import N_MELS
from vidlib.engines.speech.pyannote.folder import Recipe, recipe
from vidlib.engines.speech.pyannote.imports import (
    PLDA,
    AgglomerativeClustering,
    Annotation,
    DiarizeOutput,
    Inference,
    Model,
    ReproducibilityWarning,
    SlidingWindow,
    SlidingWindowFeature,
    SpeakerDiarization,
    fbank,
)
from vidlib.engines.speech.pyannote.windows import BATCH, VoicesInWindows, pieces
from vidlib.errors import GpuFailed
from vidlib.machine import devices
from vidlib.machine.devices import Device
from vidlib.media.audio import SAMPLE_RATE, Samples
from vidlib.progress import Report, quiet
from vidlib.timeline import Turn, speaker_label

WINDOW_STEP = 0.125
"""From one window to the next, in windows. Error rates from 0.1 on (published): of eight films 0.234 and 0.228, of five
meetings 0.207 and 0.220. With 0.15 the meetings have 0.230, with 0.2 a dialogue 0.073 instead of 0.053."""

MIN_ACTIVE_RATIO = 0.05
"""Part of a window that a voice has to speak alone to count in the clustering."""

MIN_CLUSTER = 2
"""Windows in which a voice has to be heard to be somebody of its own."""

MOST_CLUSTERED = 2500
"""Voices in windows that are compared with each other at most, a film of 25 minutes: it takes memory by the square. Of
more, every n-th is; the others go to whoever they are like. Who speaks once is heard in eight windows."""

FAINT = 0.3
"""Mean probability of speech that counts where none reaches a half in all of the sound: faint and short answers.
Voices of noise stay below 0.1."""

SEGMENTATION_SHARE = 0.4
"""Part of the time that finding voices takes; their prints take the rest (measured on two cores)."""

Embed = Callable[[Tensor], Tensor]
"""(frames, 80) log-mel features -> (192,) voice print."""


class Pyannote:
    """See `Diarizer`: pyannote.audio in torch; CAM++ in ONNX Runtime on the CPU, in torch on an NVIDIA GPU.

    The CPU looks into as many windows at once as there are cores, each on one core.
    """

    name = "pyannote"

    def __init__(self, device: Device, options: Options):
        self.device, self._min_turn_s = device, options.min_turn_s
        made = recipe(options.model) if options.model else None
        with _known_warnings_ignored(), _gpu_failures(device):
            self._threads = Pool(
                nullcontext, devices.cores() if device == "cpu" else 1, partial(torch.set_num_threads, 1)
            )
            self._pipeline = Pipeline(device, self._threads, made).to(torch.device(device))
        own = {"method": "complete", "min_cluster_size": MIN_CLUSTER, "threshold": options.threshold}
        clustering = made.parameters["clustering"] if made else own
        segmentation = made.parameters.get("segmentation", {}) if made else {}
        pauses = {**segmentation, "min_duration_off": options.min_gap_s}
        self._pipeline.instantiate({"segmentation": pauses, "clustering": clustering})

    def diarize(
        self, waveform: Samples, *, min_speakers: int = 1, max_speakers: int | None = None, report: Report = quiet
    ) -> Diarization:
        """See `Diarizer.diarize`."""
        sound = {"sound": waveform, "uri": "sound"}
        duration_s = len(waveform) / SAMPLE_RATE
        with _known_warnings_ignored(), _gpu_failures(self.device), torch.inference_mode(), _one_thread():
            found = self._pipeline.apply(
                sound, min_speakers=min_speakers, max_speakers=max_speakers, hook=partial(_watch, report, duration_s)
            )
        report(duration_s, duration_s)
        return _in_time(found.speaker_diarization, self._pipeline.votes, duration_s, self._min_turn_s)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self._threads.__exit__(*exception)
        del self._pipeline
        if self.device == "cuda":
            torch.cuda.empty_cache()


class Pipeline(SpeakerDiarization):
    """pyannote.audio's pipeline, with our weights and clustering or those of a recipe; it keeps how sure it was.

    ``votes`` holds, after `apply`, for each instant and speaker the part of the windows around that heard them.
    """

    def __init__(self, device: Device, threads: Pool, made: Recipe | None = None):
        own = {} if made else _own_models(device, threads)
        batches = {"segmentation_batch_size": BATCH, "embedding_batch_size": BATCH}
        super().__init__(**{"plda": NoPlda()} | batches | own | (made.arguments if made else {}))
        self._segmentation = VoicesInWindows(self._segmentation, threads)
        if made is None:
            self.clustering = ShortTurns(metric="cosine", constrained_assignment=True)
        self.votes: SlidingWindowFeature | None = None
        self._hears_again = made is None

    def apply(self, file: dict[str, Any], **options: Any) -> DiarizeOutput:
        self.votes, self._sound, self._most = None, file["sound"], options.get("max_speakers")
        self._segmentation.speech.clear()
        return super().apply(file, **options)

    def speaker_count(
        self, binarized_segmentations: SlidingWindowFeature, frames: SlidingWindow, **options: Any
    ) -> SlidingWindowFeature:
        """Speakers in windows -> how many speak in each instant, (frames, 1); see `FAINT`."""
        count = super().speaker_count(binarized_segmentations, frames, **options)
        somebody = binarized_segmentations.data.any()  # else there is no voice that could be named
        if somebody and not count.data.any() and self._segmentation.speech:
            speech = np.concatenate(self._segmentation.speech)
            heard = SlidingWindowFeature(speech, binarized_segmentations.sliding_window)
            faint = Inference.aggregate(heard, frames, hamming=False, missing=0.0)
            count.data = (faint.data > FAINT).astype(count.data.dtype)
        self._segmentation.speech.clear()
        return count

    def get_embeddings(
        self,
        file: dict[str, Any],
        binary_segmentations: SlidingWindowFeature,
        exclude_overlap: bool = False,
        hook: Callable | None = None,
    ) -> np.ndarray:
        """Voice prints, (windows, voices, numbers), of a piece of the sound at a time."""
        window, found = binary_segmentations.sliding_window, []
        for at, n_windows, piece in pieces(file["sound"], window):
            voices = SlidingWindowFeature(binary_segmentations.data[at], window)
            found.append(super().get_embeddings(piece, voices, exclude_overlap))
            if hook:
                hook("embeddings", None, completed=at.stop, total=n_windows)
        return np.concatenate(found)

    def reconstruct(
        self, segmentations: SlidingWindowFeature, hard_clusters: np.ndarray, count: SlidingWindowFeature
    ) -> SlidingWindowFeature:
        """Speakers in windows, and who they are -> who speaks in each instant, (frames, speakers) bool."""
        frames, windows = count.sliding_window, segmentations.sliding_window
        starts = [windows[n].start + frames.duration / 2 for n in range(len(hard_clusters))]
        firsts = [frames.closest_frame(start_s) for start_s in starts]
        heard, around = heard_around(segmentations.data, firsts, hard_clusters, len(count.data))
        speaks = most_heard(heard, count.data[:, 0])
        if self.votes is None:  # the second call is for one speaker at a time, which we do not use
            votes = np.zeros(speaks.shape, np.float32)  # nobody votes for speakers beyond the people that there are
            np.divide(heard, np.maximum(around, 1), out=votes[:, : heard.shape[1]], dtype=np.float32)
            if self._hears_again and self.clustering.people is not None:
                # whoever comes last among the people may have no voice in any window
                speaks, votes = self._hear_again(frames, speaks, votes, self.clustering.people[: heard.shape[1]])
            # the columns of those who are named: in the order of their labels
            self.votes = SlidingWindowFeature(votes[:, speaks.any(axis=0)], frames)
        return SlidingWindowFeature(speaks, frames)

    def _hear_again(
        self, frames: SlidingWindow, speaks: np.ndarray, votes: np.ndarray, people: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """``speaks`` and ``votes``, (instants, speakers), corrected: with a column for everybody who is known then."""
        n = len(people)
        times = frames.start + frames.duration / 2 + frames.step * np.arange(len(speaks))
        heard, pause_s = Heard(times, speaks[:, :n], votes[:, :n]), self.segmentation.min_duration_off
        again = hear_again(self._sound, people, heard, pause_s, self._embedding.model_.of, self._most)
        # behind them, voices beyond the number of people, if more sound at once than there are people
        return np.hstack([again.speaks, speaks[:, n:]]), np.hstack([again.votes, votes[:, n:]])


def _own_models(device: Device, threads: Pool) -> dict[str, Any]:
    """The arguments of `SpeakerDiarization` that name the vault's models."""
    return {
        "segmentation": str(vault.path("speech_segmentation")),
        "embedding": VoicePrints(device, threads),
        "segmentation_step": WINDOW_STEP,
        "embedding_exclude_overlap": True,
        "clustering": "AgglomerativeClustering",
    }


class ShortTurns(AgglomerativeClustering):
    """Clustering in which voices that speak little in a window count too.

    ``people`` are, once it was called, what each person sounds like, (people, 192), if that is known.
    """

    people: np.ndarray | None = None

    def __call__(self, **given: Any) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        clusters, likeness, people = super().__call__(**given)
        self.people = people if np.isfinite(people).all() else None
        return clusters, likeness, people

    def filter_embeddings(
        self, embeddings: np.ndarray, segmentations: SlidingWindowFeature | None = None
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        found = super().filter_embeddings(embeddings, segmentations, min_active_ratio=MIN_ACTIVE_RATIO)
        every = -(-len(found[0]) // MOST_CLUSTERED)
        return tuple(part[:: max(1, every)] for part in found)


class NoPlda(PLDA):
    """The pipeline asks for a PLDA model even where its clustering uses none."""

    def __init__(self) -> None:
        """Load nothing."""


class VoicePrints(Model):
    """(batch, 1, samples) at 16 kHz and (batch, frames) weights, 1 where the voice speaks -> (batch, 192) voice prints.

    A voice that speaks less than `MIN_FRAMES` frames has a print of NaN.
    """

    dimension = DIMENSION

    def __init__(self, device: Device, threads: Pool):
        super().__init__(sample_rate=SAMPLE_RATE)
        self._embed = _in_torch() if device == "cuda" else _in_onnxruntime()
        self._threads = threads

    def forward(self, waveforms: Tensor, weights: Tensor | None = None) -> Tensor:
        # a window comes once for each voice in it: its features are computed once
        sounds, which = torch.unique_consecutive(waveforms, dim=0, return_inverse=True)
        features = torch.stack(self._threads.map(_log_mel, sounds))
        if weights is None:
            speaks = features.new_ones(len(waveforms), features.shape[1], dtype=torch.bool)
        else:
            speaks = interpolate(weights[:, None], size=features.shape[1], mode="nearest")[:, 0] > 0.5
        voices = [features[at][mask] for at, mask in zip(which, speaks, strict=True)]
        # windows begin on the same grid of frames, so that a frame is the same numbers in each
        names = [map(bytes, voice.cpu().numpy()) if len(voice) >= MIN_FRAMES else () for voice in voices]
        whose = whose_prints(names, which.tolist())
        own = sorted(set(whose))
        prints = dict(zip(own, self._threads.map(self._print, [voices[n] for n in own]), strict=True))
        return torch.stack([prints[n] for n in whose])

    def of(self, features: Sequence[np.ndarray]) -> np.ndarray:
        """(frames, 80) log-mel features of one voice each -> (n, 192) voice prints."""
        pieces = [torch.from_numpy(piece).to(self.device) for piece in features]
        return torch.stack(self._threads.map(self._print, pieces)).cpu().numpy()

    @torch.inference_mode()  # which each thread has to ask for
    def _print(self, _: None, features: Tensor) -> Tensor:
        if len(features) < MIN_FRAMES:
            return features.new_full((DIMENSION,), torch.nan)
        # the mean of this voice alone: that of the whole window would mix in everybody else in it
        return self._embed(features - features.mean(dim=0))


@torch.inference_mode()
def _log_mel(_: None, sound: Tensor) -> Tensor:
    """(1, samples) -> (frames of 10 ms, 80), the features that CAM++ was trained on."""
    return fbank(sound, num_mel_bins=N_MELS, sample_frequency=SAMPLE_RATE, dither=0.0)


def _in_onnxruntime() -> Embed:
    graph = vault.converted("campplus.onnx", "speaker_embedding", "onnx-1", campplus.to_onnx)
    session = one_core(graph)

    def embed(features: Tensor) -> Tensor:
        return torch.from_numpy(session.run(None, {"features": features.numpy()[None]})[0][0])

    return embed


def _in_torch() -> Embed:
    network = campplus.load(vault.path("speaker_embedding")).to("cuda")
    return lambda features: network(features[None])[0]


def _watch(report: Report, duration_s: float, stage: str, *_: Any, **progress: Any) -> None:
    """Turn what the pipeline says of its stages into seconds of sound that are done."""
    if progress.get("total"):
        part, share = progress["completed"] / progress["total"], SEGMENTATION_SHARE
        done = part * share if stage == "segmentation" else share + part * (1 - share)
        report(round(done * duration_s, 1), duration_s)


def _in_time(
    found: Annotation, votes: SlidingWindowFeature | None, duration_s: float, min_turn_s: float
) -> Diarization:
    """What the pipeline found, cut at the end of the sound: its last window reaches beyond."""
    columns = {voice: column for column, voice in enumerate(found.labels())}
    speakers: dict[str, str] = {}
    turns, speech = [], []
    for segment, _, voice in sorted(found.itertracks(yield_label=True)):
        start_s, stop_s = round(segment.start, 3), round(min(segment.end, duration_s), 3)
        if start_s < stop_s:
            speech.append((start_s, stop_s))
        if stop_s - start_s >= min_turn_s and start_s < stop_s:
            speaker = speakers.setdefault(voice, speaker_label(len(speakers)))
            confidence = float(votes.crop(segment)[:, columns[voice]].mean())
            turns.append(Turn(start_s, stop_s, speaker, round(confidence, 4)))
    return Diarization(turns, joined(speech))


@contextmanager
def _gpu_failures(device: Device) -> Iterator[None]:
    """Say GpuFailed where the GPU, and not the work, is at fault; errors on the CPU pass through."""
    # pyannote.audio says MemoryError where the GPU has none left
    narrow = (torch.OutOfMemoryError, torch.AcceleratorError, MemoryError) if device == "cuda" else ()
    try:
        yield
    except narrow as error:
        raise GpuFailed(f"the GPU gave up while speakers were looked for: {error}") from error


@contextmanager
def _one_thread() -> Iterator[None]:
    """Keep torch from threads of its own while the block runs: there is one for each core already."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


@contextmanager
def _known_warnings_ignored() -> Iterator[None]:
    with warnings.catch_warnings():
        # TensorFloat-32 is switched off, as it has to be: it changes who is told apart
        warnings.filterwarnings("ignore", category=ReproducibilityWarning)
        # fewer speakers than asked for: the step says so itself
        warnings.filterwarnings("ignore", r"\s*The detected number of speakers", UserWarning)
        # nobody spoke long enough to have a voice print
        warnings.filterwarnings("ignore", "Mean of empty slice|invalid value encountered", RuntimeWarning)
        yield
