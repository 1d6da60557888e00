"""The lemonfox engine: the sound leaves this machine, and the Lemonfox API returns speakers and words.

It runs only where ``engines`` names it, and needs a key in VIDLIB_LEMONFOX_KEY.
"""

import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Self

import numpy as np

from vidlib.engines.speech import Options
from vidlib.engines.speech.diarization.postprocessing import postprocess
from vidlib.engines.speech.lemonfox.api import (
    MAX_UPLOAD_BYTES,
    Client,
    Fields,
    Timeouts,
    Transcript,
    TranscriptSegment,
    Word,
    check_size,
)
from vidlib.errors import EngineUnavailable
from vidlib.machine import commands
from vidlib.machine.devices import Device
from vidlib.media import ffmpeg
from vidlib.media.audio import SAMPLE_RATE, Samples, chunks
from vidlib.progress import Report, quiet
from vidlib.protocols import Diarization
from vidlib.settings import settings
from vidlib.timeline import Segment, Turn, Turns
from vidlib.timeline import Word as SpokenWord

MIN_GAP_S = 0.15
"""Least pause between two turns of a speaker, whatever the options: words are up to this far apart."""

ENCODINGS = (("sound.flac", ("-c:a", "flac", "-sample_fmt", "s16")), ("sound.ogg", ("-c:a", "libopus", "-b:a", "32k")))
"""File name and options of ffmpeg: FLAC where it is small enough (up to 90 minutes), else Opus (up to 7 hours)."""

FLAC_SAMPLES = 16
"""The smallest block of FLAC. From version 9 on, FFmpeg refuses a sound that is shorter."""

ENCODING_TIMEOUT_S = 600


class Lemonfox:
    """See `Diarizer`. Only the encoding runs on this machine, on the CPU.

    Every turn has a confidence of 1, because the service returns none.
    """

    name = "lemonfox"
    device: Device = "cpu"

    def __init__(self, options: Options, client: Client | None = None):
        self._options = options
        self._client = client or _client_from_settings()

    def diarize(
        self, waveform: Samples, *, min_speakers: int = 1, max_speakers: int | None = None, report: Report = quiet
    ) -> Diarization:
        """See `Diarizer.diarize`; raises EngineUnavailable with the reason where the service fails."""
        duration_s = len(waveform) / SAMPLE_RATE
        with tempfile.TemporaryDirectory() as folder:
            sound = encode(waveform, Path(folder))
            fields = self._fields(min_speakers, max_speakers)
            transcript = self._client.transcribe(sound.name, sound.read_bytes(), fields)
        report(duration_s, duration_s)
        turns, unnamed = _turns(transcript)
        diarization = postprocess(
            turns,
            duration_s,
            min_gap_s=max(MIN_GAP_S, self._options.min_gap_s),
            min_turn_s=self._options.min_turn_s,
            max_speakers=max_speakers,
            unnamed=unnamed,
        )
        return replace(diarization, words=tuple(_words(transcript, diarization.turns, duration_s)))

    def _fields(self, min_speakers: int, max_speakers: int | None) -> Fields:
        fields: dict[str, str | list[str]] = {
            "response_format": "verbose_json",
            "speaker_labels": "true",
            "timestamp_granularities[]": ["word"],
        }
        if min_speakers > 1:
            fields["min_speakers"] = str(min_speakers)
        if max_speakers:
            fields["max_speakers"] = str(max_speakers)
        if self._options.language:
            fields["language"] = self._options.language
        return fields

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        """Do nothing: the engine holds no resources."""


def _client_from_settings() -> Client:
    """The client of the service in the settings; raises EngineUnavailable without a key."""
    key = settings().lemonfox_key
    if key is None:
        raise EngineUnavailable("engine 'lemonfox' cannot run here: it needs a key. Set VIDLIB_LEMONFOX_KEY")
    chosen = settings()
    timeouts = Timeouts(socket_s=chosen.lemonfox_idle_s, total_s=chosen.lemonfox_timeout_s)
    return Client(chosen.lemonfox_url, key, timeouts)


def encode(waveform: Samples, folder: Path) -> Path:
    """Encode 16 kHz sound as a file in ``folder`` that Lemonfox accepts; raises EngineUnavailable for longer sound.

    Silence follows a sound of less than FLAC_SAMPLES.
    """
    raw = folder / "sound.f32"
    with raw.open("wb") as file:
        for part in chunks(waveform):
            part.astype("<f4").tofile(file)
        np.zeros(max(0, FLAC_SAMPLES - len(waveform)), "<f4").tofile(file)
    source: list[str | Path] = ["-f", "f32le", "-ar", str(SAMPLE_RATE), "-ac", "1", "-i", raw]
    for name, options in ENCODINGS:
        sound = folder / name
        commands.run(ffmpeg.command(*source, *options, sound), timeout_s=ENCODING_TIMEOUT_S)
        if sound.stat().st_size <= MAX_UPLOAD_BYTES:
            return sound
    check_size(sound.stat().st_size)
    return sound


def _turns(transcript: Transcript) -> tuple[list[Turn], list[Segment]]:
    """The turns of named speakers, and the speech of unknown ones, by words where the service gave them."""
    turns: list[Turn] = []
    unnamed: list[Segment] = []
    for segment in transcript.segments:
        parts: Sequence[Word | TranscriptSegment] = segment.words or [segment]
        for part in parts:
            speaker = segment.speaker if part.speaker is None else part.speaker
            if speaker is None:
                unnamed.append(Segment(part.start, part.end))
            else:
                turns.append(Turn(part.start, part.end, str(speaker)))
    return turns, unnamed


def _words(transcript: Transcript, turns: Turns, duration_s: float) -> list[SpokenWord]:
    """The words of the service, with the speakers of ``turns``; a whole segment where it gave no words."""
    words = []
    for segment in transcript.segments:
        for start_s, stop_s, text in _texts(segment):
            start_s, stop_s = round(start_s, 3), round(min(stop_s, duration_s), 3)
            if text and start_s < stop_s:
                words.append(SpokenWord(start_s, stop_s, text, turns.dominant_speaker(Segment(start_s, stop_s))))
    return sorted(words, key=lambda word: (word.start_s, word.stop_s))


def _texts(segment: TranscriptSegment) -> Iterator[tuple[float, float, str]]:
    """Each word with its times and, where the text of the segment has as many parts, with its punctuation."""
    written = segment.text.split()
    if not segment.words:
        yield segment.start, segment.end, " ".join(written)
    elif len(written) == len(segment.words):
        yield from ((word.start, word.end, text) for word, text in zip(segment.words, written, strict=True))
    else:
        yield from ((word.start, word.end, " ".join(word.word.split())) for word in segment.words)
