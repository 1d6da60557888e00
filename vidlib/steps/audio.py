"""Audio: who speaks when, as turns and for each frame. A video without sound has a complete result: silence."""

from collections.abc import Iterator, Sequence
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any, Self

from pydantic import Field, field_validator, model_validator

from vidlib.engines.speech import ON_GPU, WEIGHTS, Diarization, Options, check_name, gpu_problem, open_diarizer
from vidlib.errors import BrokenOutput, EngineUnavailable, UnknownName, WeightError
from vidlib.machine import devices
from vidlib.machine.devices import Device
from vidlib.media.audio import SAMPLE_RATE, Samples, chunks, stored_waveform
from vidlib.params import Frozen
from vidlib.progress import Report, quiet
from vidlib.results.exports import rttm, speech_json, speech_table, webvtt
from vidlib.results.exports.audio_json import speaker_stats
from vidlib.steps.base import OutFile, ReviewItem, StepOutputs, from_step, location, published, with_manifest
from vidlib.timeline import Turn, frame_at, seconds

NAME = "audio"
VERSION = 6
NOTEBOOK = "05_audio.ipynb"
UNIT = "s of sound"
TOOLS = ("ffmpeg", "pyannote-audio", "torch", "onnxruntime", "scipy", "pyarrow")

SILENCE = "none"
"""What the engine is called where there was nothing to listen to."""

SURE = 0.7
"""A turn of lower confidence is worth a look: of those, one in four names the wrong voice (docs/audio.md)."""

BRIEF_S = 2.0
"""Somebody who says less than this in all may be somebody else."""

MAX_DOUBTS = 20


def weights(params: "Params") -> tuple[str, ...]:
    """The vault's models that these params can make the step load."""
    own = {"pyannote": ()} if params.pyannote_model else {}
    names = [weight for engine in params.order for weight in (WEIGHTS | own)[engine]]
    return tuple(dict.fromkeys(names))


class Inputs(Frozen):
    """What the step reads, and where it writes."""

    video: Path = from_step("convert", "video", "25 frames per second, constant, with or without sound")
    frames: int = from_step("convert", "frames", "how many frames the video has")
    out_dir: Path = location("the one folder that the step writes to")


class Params(Frozen):
    """What a user may choose."""

    engines: str = Field(
        "pyannote,light", description="engines in order, the first that works is taken: pyannote, light, lemonfox"
    )
    device: devices.Wanted = Field("auto", description="where to compute: auto, cuda, cpu")
    num_speakers: int = Field(0, ge=0, le=50, description="number of speakers; 0 where it is not known")
    min_speakers: int = Field(1, ge=1, le=50, description="fewest speakers, where anybody speaks")
    max_speakers: int = Field(0, ge=0, le=50, description="most speakers; 0 where it is not known")
    threshold: float = Field(
        0.7, gt=0, lt=2, description="cosine distance from which two voices are two people, 0 to 2; more means fewer"
    )
    min_turn_s: float = Field(0.1, ge=0, le=5, description="shorter speech names no speaker, in seconds")
    min_gap_s: float = Field(0.2, ge=0, le=5, description="a shorter pause does not end a turn, in seconds")

    language: str = Field(
        "", pattern="^[a-z]*$", description="language spoken, as english, for lemonfox; empty: it finds out"
    )
    pyannote_model: str = Field(
        "",
        pattern=r"^(\w[\w.-]*)?$",
        description="folder in VIDLIB_MODELS_DIR with another pipeline for pyannote, as community-1",
    )

    @property
    def order(self) -> tuple[str, ...]:
        """The names of the engines, the first choice first."""
        return tuple(self.engines.split(","))

    @property
    def speakers(self) -> dict[str, int | None]:
        """How many speakers an engine is to look for."""
        fewest, most = (self.num_speakers,) * 2 if self.num_speakers else (self.min_speakers, self.max_speakers)
        return {"min_speakers": fewest, "max_speakers": most or None}

    @field_validator("engines", mode="before")
    @classmethod
    def _known_engines(cls, value: Any) -> str:
        given = value if isinstance(value, list | tuple) else str(value).split(",")
        names = [str(name).strip() for name in given]
        try:
            for name in names:
                check_name(name)
        except UnknownName as error:
            raise ValueError(str(error)) from error
        if len(set(names)) < len(names):
            raise ValueError(f"{value!r} names an engine twice")
        return ",".join(names)

    @model_validator(mode="after")
    def _speakers_agree(self) -> Self:
        number, fewest, most = self.num_speakers, self.min_speakers, self.max_speakers
        if 0 < most < fewest:
            raise ValueError(f"min_speakers {fewest} is more than max_speakers {most}")
        if 0 < number < fewest:
            raise ValueError(f"num_speakers {number} is less than min_speakers {fewest}; give one of them")
        if 0 < most < number:
            raise ValueError(f"num_speakers {number} is more than max_speakers {most}; give one of them")
        return self


class Outputs(StepOutputs):
    """What the step leaves."""

    turns: OutFile = published("rttm", "RTTM: a line for each turn")
    speech: OutFile = Field(description="JSON: turns with confidence, and how much each speaker says")
    table: OutFile = Field(description="Parquet, a row per frame: is_speech, speakers")
    captions: OutFile | None = published(
        "captions", "WebVTT: the spoken words, if the engine recognizes them", default=None
    )
    n_speakers: int = Field(description="number of speakers")
    speech_s: float = Field(description="seconds in which anybody speaks")


@with_manifest
def run(inputs: Inputs, params: Params, *, report: Report = quiet) -> Outputs:
    """Find who speaks when in a converted video."""
    duration_s = float(seconds(inputs.frames))
    out = inputs.out_dir
    out.mkdir(parents=True, exist_ok=True)
    with stored_waveform(inputs.video, out, round(duration_s * SAMPLE_RATE)) as waveform:
        found, engine, choice = _listen(waveform, params, report)
    return Outputs(
        turns=rttm.write(out / "speech.rttm", found.turns),
        speech=speech_json.write(out / "speech.json", found.turns, engine=engine, duration_s=duration_s),
        table=speech_table.write(out / "speech.parquet", inputs.frames, found.speech, found.turns),
        captions=_write_captions(out / "speech.vtt", found),
        n_speakers=len({turn.speaker for turn in found.turns}),
        speech_s=round(sum(stop_s - start_s for start_s, stop_s in found.speech), 3),
        engine=engine,
        device=choice.device,
        fallback=choice.fallback,
        doubts=_doubts(found.turns, params),
    )


def verify(inputs: Inputs, outputs: Outputs) -> None:
    """The turns lie within the video and are the same in both files; the table has a row for each of its frames."""
    turns = rttm.read(outputs.turns)
    if turns != speech_json.read(outputs.speech):
        raise BrokenOutput(f"{outputs.turns} and {outputs.speech} name different turns")
    duration_s = float(seconds(inputs.frames))
    for turn in turns:
        if not 0 <= turn.start_s < turn.stop_s <= duration_s:
            raise BrokenOutput(f"{outputs.turns}: {turn} is not within the video's {duration_s} s")
    if (n_rows := len(speech_table.read(outputs.table))) != inputs.frames:
        raise BrokenOutput(f"{outputs.table} has {n_rows} rows, expected one for each of {inputs.frames} frames")


def _listen(waveform: Samples, params: Params, report: Report) -> tuple[Diarization, str, devices.Choice]:
    """Who speaks when, by which engine, and where that ran; silence is not listened to.

    Raises what the last engine raised; where several were asked, EngineUnavailable with what each said.
    """
    if not any(part.any() for part in chunks(waveform)):
        report(1, 1)
        return Diarization([], []), SILENCE, devices.Choice("cpu")
    # whoever insists on the GPU is not served without it
    names = [name for name in params.order if name in ON_GPU or params.device != "cuda"] or list(params.order)
    problems: list[str] = []
    for name in names:
        work = partial(_diarize, name, waveform, params, report)
        try:
            found, choice = devices.attempt(params.device, work, partial(gpu_problem, name))
        except (EngineUnavailable, WeightError) as error:
            if len(names) == 1:
                raise
            problems.append(f"not {name}: {error}")
            last = error
        else:
            why = "; ".join([*problems, *filter(None, [choice.fallback])])
            return found, name, devices.Choice(choice.device, why or None)
    raise EngineUnavailable("; ".join(problems)) from last


def _diarize(name: str, waveform: Samples, params: Params, report: Report, device: Device) -> Diarization:
    options = Options(
        threshold=params.threshold,
        min_gap_s=params.min_gap_s,
        min_turn_s=params.min_turn_s,
        model=params.pyannote_model,
        language=params.language,
    )
    with open_diarizer(name, device, options) as diarizer:
        return diarizer.diarize(waveform, **params.speakers, report=report)


def _write_captions(path: Path, found: Diarization) -> Path | None:
    cues = [(caption.start_s, caption.stop_s, caption.text) for caption in found.captions]
    return webvtt.write(path, cues) if cues else None


def _doubts(turns: Sequence[Turn], params: Params) -> tuple[ReviewItem, ...]:
    """What a human should hear again, most doubtful first."""
    doubts = [*_unsure(turns), *_brief(turns), *_at_once(turns), *_too_few(turns, params)]
    return tuple(sorted(doubts, key=lambda doubt: doubt.confidence)[:MAX_DOUBTS])


def _unsure(turns: Sequence[Turn]) -> Iterator[ReviewItem]:
    for turn in turns:
        if turn.confidence < SURE:
            length = f"{turn.stop_s - turn.start_s:.1f} s"
            yield ReviewItem(
                message=f"is this really {turn.speaker}, for {length}?",
                frame=frame_at(turn.start_s),
                confidence=turn.confidence,
            )


def _brief(turns: Sequence[Turn]) -> Iterator[ReviewItem]:
    first = {turn.speaker: turn for turn in reversed(turns)}
    for speaker, stats in speaker_stats(turns).items():
        if stats.total_sec < BRIEF_S:
            yield ReviewItem(
                message=f"{speaker} says only {stats.total_sec:.1f} s: is it another speaker?",
                frame=frame_at(first[speaker].start_s),
                confidence=first[speaker].confidence,
            )


def _at_once(turns: Sequence[Turn]) -> Iterator[ReviewItem]:
    for one, other in pairwise(turns):
        if other.start_s < one.stop_s:
            yield ReviewItem(
                message=f"do {one.speaker} and {other.speaker} really speak at once?",
                frame=frame_at(other.start_s),
                confidence=min(one.confidence, other.confidence),
            )


def _too_few(turns: Sequence[Turn], params: Params) -> Iterator[ReviewItem]:
    n_speakers, expected = len({turn.speaker for turn in turns}), params.speakers["min_speakers"]
    if turns and n_speakers < expected:
        yield ReviewItem(message=f"{n_speakers} speakers were found, {expected} were expected")
