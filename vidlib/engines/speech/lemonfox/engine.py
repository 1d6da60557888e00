"""Voices by the Lemonfox API: the sound leaves this machine, and who speaks when comes back, with the words.

It is asked for by name alone (``engines: lemonfox``), and needs a key in VIDLIB_LEMONFOX_KEY.
"""

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Self

from vidlib.engines.speech import Caption, Diarization, Options, Voiced, diarization
from vidlib.engines.speech.lemonfox.api import MAX_UPLOAD_BYTES, Answer, Fields, Segment, Service, Word, check_size
from vidlib.errors import EngineUnavailable
from vidlib.machine import commands
from vidlib.machine.devices import Device
from vidlib.media import ffmpeg
from vidlib.media.audio import SAMPLE_RATE, Samples, chunks
from vidlib.progress import Report, quiet
from vidlib.settings import settings

JOIN_S = 0.15
"""Words of one speaker closer than this are one turn, whatever is asked for: people do not pause between words."""

ENCODINGS = (("sound.flac", ("-c:a", "flac", "-sample_fmt", "s16")), ("sound.ogg", ("-c:a", "libopus", "-b:a", "32k")))
"""Without loss where that is small enough (to about 90 minutes), else as Ogg Opus (to about 7 hours)."""

ENCODING_S = 600
"""Seconds that encoding may take."""


class Lemonfox:
    """See `Diarizer`. ``device`` is where vidlib's own part runs; every turn has a confidence of 1: none is told."""

    name = "lemonfox"

    def __init__(self, device: Device, options: Options, service: Service | None = None):
        self.device, self._options = device, options
        self._service = service or _service()

    def diarize(
        self, waveform: Samples, *, min_speakers: int = 1, max_speakers: int | None = None, report: Report = quiet
    ) -> Diarization:
        """See `Diarizer.diarize`. Raises EngineUnavailable where the service does not do it, with the reason."""
        duration_s = len(waveform) / SAMPLE_RATE
        with tempfile.TemporaryDirectory() as folder:
            sound = encoded(waveform, Path(folder))
            answer = self._service.transcribe(sound.name, sound.read_bytes(), self._fields(min_speakers, max_speakers))
        report(duration_s, duration_s)
        gap_s = max(JOIN_S, self._options.min_gap_s)
        found = diarization(list(_voiced(answer)), duration_s, gap_s, self._options.min_turn_s, max_speakers)
        return Diarization(found.turns, found.speech, tuple(_captions(answer, duration_s)))

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
        """Nothing is held from one sound to the next."""


def _service() -> Service:
    """The service that the settings name; raises EngineUnavailable without a key."""
    key = settings().lemonfox_key
    if key is None:
        raise EngineUnavailable("engine 'lemonfox' cannot run here: it needs a key. Set VIDLIB_LEMONFOX_KEY")
    return Service(settings().lemonfox_url, key)


def encoded(waveform: Samples, folder: Path) -> Path:
    """``waveform``, `Samples` at 16 kHz, as a file in ``folder`` that may be sent.

    Raises EngineUnavailable where it is too long for that.
    """
    raw = folder / "sound.f32"
    with raw.open("wb") as file:
        for part in chunks(waveform):
            part.astype("<f4").tofile(file)
    source = ["-f", "f32le", "-ar", str(SAMPLE_RATE), "-ac", "1", "-i", raw]
    for name, options in ENCODINGS:
        sound = folder / name
        commands.run(ffmpeg.command(*source, *options, sound), timeout_s=ENCODING_S)
        if sound.stat().st_size <= MAX_UPLOAD_BYTES:
            return sound
    check_size(sound.stat().st_size)
    return sound


def _voiced(answer: Answer) -> Iterator[Voiced]:
    """Who speaks from when to when: by words, or by segments where the service gave no words for one."""
    for segment in answer.segments:
        for part in segment.words or [segment]:
            speaker = _speaker(part, segment)
            yield part.start, part.end, speaker


def _speaker(part: Word | Segment, segment: Segment) -> str | None:
    speaker = segment.speaker if part.speaker is None else part.speaker
    return None if speaker is None else str(speaker)


def _captions(answer: Answer, duration_s: float) -> Iterator[Caption]:
    for segment in sorted(answer.segments, key=lambda segment: (segment.start, segment.end)):
        text, stop_s = " ".join(segment.text.split()), min(segment.end, duration_s)
        if text and segment.start < stop_s:
            yield Caption(round(segment.start, 3), round(stop_s, 3), text)
