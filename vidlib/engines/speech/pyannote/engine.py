"""The pyannote engine: the diarization pipeline of pyannote.audio with speaker embeddings by CAM++, offline."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from functools import partial
from typing import Any, Self

import torch

from vidlib.engines.runtime.pool import Pool
from vidlib.engines.speech import Options
from vidlib.engines.speech.diarization.confidence import Voices
from vidlib.engines.speech.diarization.merging import AT_ONCE_S
from vidlib.engines.speech.diarization.postprocessing import clip, label_speakers
from vidlib.engines.speech.pyannote.folder import PipelineConfig, read_config
from vidlib.engines.speech.pyannote.imports import Annotation, ReproducibilityWarning
from vidlib.engines.speech.pyannote.pipeline import Pipeline
from vidlib.errors import GpuFailed
from vidlib.machine import devices
from vidlib.machine.devices import Device
from vidlib.media.audio import SAMPLE_RATE, Samples
from vidlib.progress import Report, quiet
from vidlib.protocols import Diarization
from vidlib.timeline import Segment, Turn, Turns, speaker_label, support

MIN_CLUSTER_SIZE = 12
"""Fewest windows with a speaker who forms a cluster (speaker-diarization-3.1); in a short sound, a tenth of all local
speakers. With two, the nine meetings of docs/how-we-measure.md have .005 more."""

SEGMENTATION_SHARE = 0.4
"""Share of the time that segmentation takes; embeddings take the rest (measured on two cores)."""


class Pyannote:
    """See `Diarizer`. pyannote.audio in torch and CAM++ in ONNX Runtime, with one window on each core."""

    name = "pyannote"
    device: Device = "cpu"

    def __init__(self, options: Options):
        self._min_turn_s = options.min_turn_s
        config = read_config(options.model) if options.model else None
        n_threads = devices.cores() if self.device == "cpu" else 1
        with _known_warnings_ignored(), _gpu_failures(self.device):
            self._threads = Pool(nullcontext, n_threads, partial(torch.set_num_threads, 1))
            self._pipeline = Pipeline(self.device, self._threads, config).to(torch.device(self.device))
        self._pipeline.instantiate(_parameters(options, config))

    def diarize(
        self, waveform: Samples, *, min_speakers: int = 1, max_speakers: int | None = None, report: Report = quiet
    ) -> Diarization:
        """See `Diarizer.diarize`."""
        file = {"sound": waveform, "uri": "sound"}
        duration_s = len(waveform) / SAMPLE_RATE
        hook = partial(_report_progress, report, duration_s)
        with _known_warnings_ignored(), _gpu_failures(self.device), torch.inference_mode(), _one_thread():
            annotation = self._pipeline.apply(file, min_speakers=min_speakers, max_speakers=max_speakers, hook=hook)
        report(duration_s, duration_s)
        return _to_diarization(annotation, self._pipeline, duration_s, self._min_turn_s)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self._threads.__exit__(*exception)
        del self._pipeline
        if self.device == "cuda":
            torch.cuda.empty_cache()


class PyannoteOnGpu(Pyannote):
    """The same, with all networks in torch on an NVIDIA GPU."""

    device: Device = "cuda"


def _parameters(options: Options, config: PipelineConfig | None) -> dict[str, Any]:
    """The hyper-parameters of the pipeline; those of a ``config`` replace ours, but for the pause between turns."""
    ours = {"method": "complete", "min_cluster_size": MIN_CLUSTER_SIZE, "threshold": options.threshold}
    clustering = config.parameters["clustering"] if config else ours
    segmentation = config.parameters.get("segmentation", {}) if config else {}
    return {"segmentation": {**segmentation, "min_duration_off": options.min_gap_s}, "clustering": clustering}


def _report_progress(report: Report, duration_s: float, stage: str, *_: Any, **progress: Any) -> None:
    """Convert the progress of a stage of the pipeline into seconds of sound."""
    if progress.get("total"):
        part, share = progress["completed"] / progress["total"], SEGMENTATION_SHARE
        done = part * share if stage == "segmentation" else share + part * (1 - share)
        report(round(done * duration_s, 1), duration_s)


def _to_diarization(annotation: Annotation, pipeline: Pipeline, duration_s: float, min_turn_s: float) -> Diarization:
    """Convert the result of the pipeline. It is clipped, because the last window extends beyond the sound."""
    turns: list[Turn] = []
    speech: list[Segment] = []
    for segment, _, column in sorted(annotation.itertracks(yield_label=True)):
        part = clip(Segment(segment.start, segment.end), duration_s)
        if part is None:
            continue
        speech.append(part)
        if part.duration_s < min_turn_s:
            continue
        if pipeline.voices is None:  # the mean share of windows that hear this speaker
            confidence = float(pipeline.votes.crop(segment)[:, column].mean())
        elif column < len(pipeline.voices.centroids):
            confidence = pipeline.voices.confidence(part, column)
        else:  # for a moment, more people speak at once than have a voice
            continue
        turns.append(Turn(*part, str(column), round(confidence, 4)))
    columns = [int(column) for column in dict.fromkeys(turn.speaker for turn in turns)]
    labelled = label_speakers(turns)
    return Diarization(labelled, support(speech), alike=tuple(sorted(_alike(pipeline.voices, columns, labelled))))


def _alike(voices: Voices | None, columns: list[int], turns: Turns) -> Iterator[tuple[str, str, float]]:
    """`Diarization.alike` of the speakers with these ``columns``; none who speak at once."""
    segments = {speaker: spoken.segments for speaker, spoken in turns.by_speaker().items()}
    labels = {column: speaker_label(number) for number, column in enumerate(columns)}
    for *pair, probability in voices.alike() if voices else ():
        if labels.keys() >= set(pair):
            one, other = sorted(labels[column] for column in pair)
            both = segments[one] + segments[other]
            at_once_s = sum(part.duration_s for part in both) - sum(part.duration_s for part in support(both))
            if at_once_s < AT_ONCE_S:
                yield one, other, round(probability, 4)


@contextmanager
def _gpu_failures(device: Device) -> Iterator[None]:
    """Raise GpuFailed where the GPU fails in the block; errors on the CPU and faults of the code stay as they are."""
    # pyannote.audio raises MemoryError where the GPU has no memory left
    failures = (torch.OutOfMemoryError, torch.AcceleratorError, MemoryError) if device == "cuda" else ()
    try:
        yield
    except failures as error:
        raise GpuFailed(f"the GPU failed during speaker diarization: {error}") from error


@contextmanager
def _one_thread() -> Iterator[None]:
    """Limit torch to one thread in the block, because every core already has a thread of the pool."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


@contextmanager
def _known_warnings_ignored() -> Iterator[None]:
    with warnings.catch_warnings():
        # TensorFloat-32 has to be off: it changes who is told apart
        warnings.filterwarnings("ignore", category=ReproducibilityWarning)
        # fewer speakers than requested: the step reports this itself
        warnings.filterwarnings("ignore", r"\s*The detected number of speakers", UserWarning)
        # nobody speaks long enough for an embedding
        warnings.filterwarnings("ignore", "Mean of empty slice|invalid value encountered", RuntimeWarning)
        yield
