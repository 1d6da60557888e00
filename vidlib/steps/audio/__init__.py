"""The audio step: who speaks when, as turns and for each frame; a video without sound gets the result of silence."""

from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any, Self

from pydantic import Field, field_validator, model_validator

from vidlib.corrections import turns as corrections
from vidlib.engines import speech
from vidlib.engines.speech import DIARIZERS, Options
from vidlib.engines.speech import words as transcription
from vidlib.errors import BrokenOutput, UnknownName
from vidlib.machine import devices
from vidlib.media.audio import SAMPLE_RATE, Samples, chunks, stored_waveform
from vidlib.media.mixdown import BLOCK_S, FIRST_TRACK, cancelled_blocks
from vidlib.params import Frozen
from vidlib.progress import Report, part_of, quiet
from vidlib.protocols import Diarization
from vidlib.results.exports import rttm, speech_json, speech_table, words_table
from vidlib.results.exports import transcript as transcript_files
from vidlib.results.review import ReviewItem, is_worth_a_look, most_harmful
from vidlib.steps.audio import engine_choice, words_choice
from vidlib.steps.audio.engine_choice import Answer, Request, SpeakerLimits
from vidlib.steps.audio.track_choice import choose_tracks
from vidlib.steps.base import (
    FrameCount,
    OutFile,
    added_param,
    archived,
    from_step,
    location,
    published,
    with_manifest,
)
from vidlib.steps.corrected import (
    CorrectedOutputs,
    Decisions,
    corrections_input,
    uncorrected_input,
    with_corrections,
)
from vidlib.timeline import FPS, Segment, Turns, frame_at, nearest_frame, seconds

NAME = "audio"
VERSION = 9
NOTEBOOK = "05_audio.ipynb"
UNIT = "s of sound"
TOOLS = ("ffmpeg", "pyannote-audio", "torch", "onnxruntime", "scipy", "pyarrow")

SILENCE = "none"
"""The engine in the result of a silent video."""

BRIEF_S = 2.0
"""A speaker with less speech than this, in seconds, may be another one."""


def weights(params: "Params") -> tuple[str, ...]:
    """The models of the vault that the step may load with these params."""
    options = params.options
    listeners = (name for engine in params.order for name in speech.weights(engine, options))
    return tuple(dict.fromkeys([*listeners, *transcription.weights(params.words_request.engine)]))


def more_tools(params: "Params") -> tuple[str, ...]:
    """The package that finds the words, where they are looked for."""
    return ("ctranslate2",) if params.words_request.engine else ()


class Inputs(Frozen):
    """Inputs of the step, and its output folder."""

    video: Path = from_step("convert", "video", "25 frames per second, constant, with or without sound")
    frames: FrameCount = from_step("convert", "frames", "number of frames of the video; 0: count them", default=0)
    corrections: Decisions = corrections_input()
    uncorrected: Path | None = uncorrected_input()
    out_dir: Path = location("the one folder that the step writes to")


class Params(Frozen):
    """Parameters of the step."""

    engines: str = Field(
        "pyannote,light",
        description="pyannote, light, lemonfox, in order of preference; the first that works is used",
    )
    device: devices.Wanted = Field("auto", description="auto, cuda or cpu; auto uses the GPU if there is one")
    num_speakers: int = Field(0, ge=0, le=50, description="number of speakers; 0: unknown")
    min_speakers: int = Field(1, ge=1, le=50, description="smallest number of speakers, if there is speech")
    max_speakers: int = Field(0, ge=0, le=50, description="largest number of speakers; 0: unknown")
    threshold: float = Field(
        0.7,
        gt=0,
        lt=2,
        description="cosine distance of two speakers, 0 to 2; a higher value gives fewer speakers",
    )
    min_turn_s: float = Field(0.1, ge=0, le=5, description="shorter speech gets no speaker, in seconds")
    min_gap_s: float = Field(0.2, ge=0, le=5, description="shorter pauses do not end a turn, in seconds")

    language: str = Field(
        "", pattern="^[a-z]*$", description="spoken language of the words, such as english; empty: detect it"
    )
    pyannote_model: str = Field(
        "",
        pattern=r"^(\w[\w.-]*)?$",
        description="a pyannote pipeline in VIDLIB_MODELS_DIR; empty: community-1, if there; vault: vidlib's own",
    )

    tracks: str = added_param(
        "auto",
        "audio tracks: auto (those that hold the speech), first, mix, or a number from 1",
        pattern=r"^(auto|first|mix|[1-9]\d?)$",
        coerce_numbers_to_str=True,
    )
    words: str = added_param(
        "auto",
        "transcript: auto (if its weights are here), off, whisper-base, or whisper (an own model)",
    )

    @property
    def order(self) -> tuple[str, ...]:
        """The names of the engines, in order of preference."""
        return tuple(self.engines.split(","))

    @property
    def speakers(self) -> SpeakerLimits:
        """The least and the greatest number of speakers."""
        fewest, most = (self.num_speakers,) * 2 if self.num_speakers else (self.min_speakers, self.max_speakers)
        return {"min_speakers": fewest, "max_speakers": most or None}

    @property
    def words_request(self) -> words_choice.Request:
        """What is asked of a words engine."""
        return words_choice.Request(self.order, self.words, self.language)

    @property
    def options(self) -> Options:
        """The options of an engine."""
        return Options(
            threshold=self.threshold,
            min_gap_s=self.min_gap_s,
            min_turn_s=self.min_turn_s,
            model=speech.choose_pipeline(self.pyannote_model),
            language=self.language,
        )

    @field_validator("engines", mode="before")
    @classmethod
    def _known_engines(cls, value: Any) -> str:
        names = [str(name).strip() for name in (value if isinstance(value, list | tuple) else str(value).split(","))]
        try:
            for name in names:
                DIARIZERS[name]
        except UnknownName as error:
            raise ValueError(str(error)) from error
        if len(set(names)) < len(names):
            raise ValueError(f"{value!r} names an engine twice")
        return ",".join(names)

    @field_validator("words", mode="before")
    @classmethod
    def _known_transcriber(cls, value: Any) -> str:
        wanted = "off" if value is False else str(value)  # YAML reads off as false
        try:
            transcription.choose(wanted)
        except UnknownName as error:
            raise ValueError(str(error)) from error
        return wanted

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


class Outputs(CorrectedOutputs):
    """Outputs of the step."""

    turns: OutFile = published("rttm", "RTTM: a line for each turn")
    speech: OutFile = Field(description="JSON: turns with confidence, and the speaking time of each speaker")
    table: OutFile = Field(description="Parquet, a row per frame: is_speech, speakers")
    captions: OutFile | None = published("captions", "WebVTT: the transcript with its speakers", default=None)
    subtitles: OutFile | None = published("subtitles", "SubRip: the same", default=None)
    words: OutFile | None = archived("words", "Parquet, a row per word: times, text, speaker", default=None)
    transcriber: str = Field("", description="engine that found the words")
    language: str = Field("", description="language of most words: a code such as fr")
    no_words: str | None = Field(None, description="why there is no transcript")
    n_speakers: int = Field(description="number of speakers")
    tracks: tuple[int, ...] = Field((), description="numbers, from 1, of the audio tracks that were analysed")
    speech_s: float = Field(description="seconds in which anybody speaks")


def _correct(inputs: Inputs, found: Outputs) -> dict[str, Any]:
    """The outputs with the speakers that people decided."""
    out, tracks = inputs.out_dir, speech_table.read_tracks(found.table)
    turns, unfit = corrections.apply(rttm.read(found.turns), inputs.corrections)
    duration_s = float(seconds(inputs.frames))
    return {
        "turns": rttm.write(out / "speech.rttm", turns),
        "speech": speech_json.write(out / "speech.json", turns, engine=found.engine, duration_s=duration_s),
        "table": speech_table.write_corrected(out / "speech.parquet", speech_table.read(found.table), turns, tracks),
        **_correct_words(found, turns, out),
        "n_speakers": len(turns.speakers),
        "unfit": unfit,
    }


def _correct_words(found: Outputs, turns: Turns, out: Path) -> dict[str, Path]:
    if found.words is None:
        return {}
    return transcript_files.write(out, words_table.with_speakers(words_table.read(found.words), turns), found.language)


@with_manifest
@with_corrections(_correct)
def run(inputs: Inputs, params: Params, *, report: Report = quiet) -> Outputs:
    """Diarize the sound of a converted video."""
    duration_s = float(seconds(inputs.frames))
    out = inputs.out_dir
    out.mkdir(parents=True, exist_ok=True)
    n_samples = round(duration_s * SAMPLE_RATE)
    tracks, track_items = choose_tracks(inputs.video, out, n_samples, params.tracks)
    share = 0.5 if params.words_request.engine else 1.0  # of the progress
    with stored_waveform(inputs.video, out, n_samples, tracks or FIRST_TRACK) as waveform:
        answer = _listen(waveform, params, part_of(report, 0.0, share))
        diarization = answer.diarization
        said = words_choice.find_words(params.words_request, waveform, diarization, part_of(report, share, 1.0))
    turns = diarization.turns
    notes = [*answer.items, *said.items, *track_items, *_cancelled_sound(inputs.video, tracks)]
    items = [*notes, *_alike(diarization)]
    return Outputs(
        **transcript_files.write(out, said.transcript.words, said.transcript.language),
        language=said.transcript.language,
        transcriber=said.engine,
        no_words=said.problem,
        turns=rttm.write(out / "speech.rttm", turns),
        speech=speech_json.write(out / "speech.json", turns, engine=answer.engine, duration_s=duration_s),
        table=speech_table.write(
            out / "speech.parquet", inputs.frames, diarization.speech, turns, tracks or FIRST_TRACK
        ),
        n_speakers=len(turns.speakers),
        tracks=tracks,
        speech_s=round(sum(segment.duration_s for segment in diarization.speech), 3),
        engine=answer.engine,
        device=answer.choice.device,
        fallback=answer.choice.fallback,
        doubts=_review_items(turns, params, items, inputs.frames),
    )


def verify(inputs: Inputs, outputs: Outputs) -> None:
    """Check the outputs; raises BrokenOutput.

    Both files of turns agree, turns and words lie within the video, and the table has a row for each frame.
    """
    turns = rttm.read(outputs.turns)
    if turns != speech_json.read(outputs.speech):
        raise BrokenOutput(f"{outputs.turns} and {outputs.speech} contain different turns")
    duration_s = float(seconds(inputs.frames))
    for turn in turns:
        if not 0 <= turn.start_s < turn.stop_s <= duration_s:
            raise BrokenOutput(f"{outputs.turns}: {turn} is not within the {duration_s} s of the video")
    for word in words_table.read(outputs.words) if outputs.words else ():
        if not 0 <= word.start_s < word.stop_s <= duration_s:
            raise BrokenOutput(f"{outputs.words}: {word} is not within the {duration_s} s of the video")
    if (n_rows := len(speech_table.read(outputs.table))) != inputs.frames:
        raise BrokenOutput(f"{outputs.table} has {n_rows} rows, expected one for each of {inputs.frames} frames")


def _listen(waveform: Samples, params: Params, report: Report) -> Answer:
    """The diarization by the first engine that works (see `engine_choice.diarize`); silence runs no engine."""
    if not any(chunk.any() for chunk in chunks(waveform)):
        report(1, 1)
        return Answer(Diarization(Turns(), []), SILENCE, devices.Choice("cpu"))
    request = Request(params.device, params.options, params.speakers)
    return engine_choice.diarize(waveform, params.order, request, report)


def _cancelled_sound(video: Path, tracks: Sequence[int]) -> Iterator[ReviewItem]:
    """A note if the channels of a track cancel each other when they are mixed."""
    if blocks := cancelled_blocks(video, tracks):
        found = f"the channels of the sound cancel each other in {len(blocks) * BLOCK_S} s"
        message = f"{found}; only the loudest channel was analysed there"
        frames = int(len(blocks) * BLOCK_S * FPS)
        yield ReviewItem(message=message, frame=int(min(blocks) * BLOCK_S * FPS), confidence=0.5, frames=frames)


def _review_items(turns: Turns, params: Params, others: Sequence[ReviewItem], n_frames: int) -> tuple[ReviewItem, ...]:
    """The ``others``, and the turns and speakers that a person should review, what matters most first."""
    items = [*others, *_uncertain(turns), *_brief(turns), *_overlapping(turns), *_too_few(turns, params)]
    return most_harmful(items, n_frames)


def _frames(segment: Segment) -> int:
    return nearest_frame(segment.stop_s) - nearest_frame(segment.start_s)


def _uncertain(turns: Turns) -> Iterator[ReviewItem]:
    for turn in turns:
        if is_worth_a_look(turn.confidence):
            yield ReviewItem(
                message=f"is this really {turn.speaker}, for {turn.duration_s:.1f} s?",
                frame=frame_at(turn.start_s),
                confidence=turn.confidence,
                kind="speaker",
                frames=_frames(turn.segment),
                about=turn.speaker,
            )


def _alike(diarization: Diarization) -> Iterator[ReviewItem]:
    """Pairs of speakers who may be one person, at the longest turn of the one who says less."""
    turns = diarization.turns.by_speaker()
    for one, other, probability in diarization.alike:
        if is_worth_a_look(1 - probability):
            less = min((one, other), key=lambda speaker: turns[speaker].duration_s)
            longest = max(turns[less], key=lambda turn: turn.duration_s)
            yield ReviewItem(
                message=f"are {one} and {other} one person?",
                frame=frame_at(longest.start_s),
                confidence=1 - probability,
                kind="speaker",
                frames=sum(map(_frames, turns[less].segments)),
                about=less,
            )


def _brief(turns: Turns) -> Iterator[ReviewItem]:
    for speaker, its_turns in turns.by_speaker().items():
        total_s = round(its_turns.duration_s, 3)
        if total_s < BRIEF_S:
            yield ReviewItem(
                message=f"{speaker} says only {total_s:.1f} s: is it another speaker?",
                frame=frame_at(its_turns[0].start_s),
                confidence=its_turns[0].confidence,
                kind="brief speaker",
                frames=sum(map(_frames, its_turns.segments)),
            )


def _overlapping(turns: Turns) -> Iterator[ReviewItem]:
    """Turns at once, where nothing else asks for one of them: a turn of low confidence is an item of its own."""
    for turn, following in pairwise(turns):
        both = turn & following
        if both and not is_worth_a_look(min(turn.confidence, following.confidence)):
            yield ReviewItem(
                message=f"do {turn.speaker} and {following.speaker} really speak at once?",
                frame=frame_at(following.start_s),
                confidence=min(turn.confidence, following.confidence),
                kind="overlap",
                frames=_frames(both),
                about=" and ".join(sorted({turn.speaker, following.speaker})),
            )


def _too_few(turns: Turns, params: Params) -> Iterator[ReviewItem]:
    n_speakers, expected = len(turns.speakers), params.speakers["min_speakers"]
    if turns and n_speakers < expected:
        yield ReviewItem(message=f"{n_speakers} speakers were found, {expected} were expected")
