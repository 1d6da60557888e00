"""A composed film as files: the film, its truth, and who really speaks when."""

import subprocess
import wave
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import groupby
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

import numpy as np

from vidlib.errors import CommandFailed
from vidlib.evaluation.ground_truth import SUFFIX, Event, Part, TrueShot, Truth
from vidlib.media import ffmpeg
from vidlib.media.audio import SAMPLE_RATE, read_waveform
from vidlib.results.exports import rttm
from vidlib.timeline import FPS, Turn

from .drawing import DrawnShot, Shown, drawn
from .material import Clip, Material
from .plan import PlannedShot, Scene, plan

SAMPLES = int(SAMPLE_RATE / FPS)
"""Samples of sound during one frame."""

HOP = SAMPLE_RATE // 100
QUIET, PAUSE, SHORT = 0.1, 30, 12
"""Speech is where the loudness of 10 ms (root mean square) is above a tenth of the loudest (20 dB below it, and above
the room of these clips). A pause in it lasts 300 ms or more; what lasts less than 120 ms between pauses is a breath."""

EDGE = 80
"""Samples (5 ms) over which sound is faded where it was cut, so that no click tells where that is."""

NO_PICTURE = np.zeros((0, 0, 3), np.uint8)

NOTE = "composed by benchmarks/compose.py; form and keys: docs/use/evaluate.md"


def compose(material: Material, seed: int, folder: Path) -> tuple[Path, Path, Path]:
    """Write ``film-<seed>.mp4``, its truth and its RTTM into ``folder``; the three paths."""
    return write(plan(material, seed), material, folder / f"film-{seed}", Random(seed))


def write(shots: Sequence[PlannedShot], material: Material, stem: Path, lot: Random) -> tuple[Path, Path, Path]:
    """Write the film of these shots, its truth and its RTTM, called ``stem`` and their suffixes; the three paths."""
    stem.parent.mkdir(parents=True, exist_ok=True)
    made, pictures = drawn(shots, material, lot)
    sounds = Sounds()
    film = stem.with_name(f"{stem.name}.mp4")
    shown = _encode(pictures, sounds.of(shots), material.size, film)
    truth = truth_of(shots, made, shown, material.size)
    written = stem.with_name(stem.name + SUFFIX)
    written.write_text(truth.model_dump_json(by_alias=True, indent=1), encoding="utf-8")
    return film, written, rttm.write(stem.with_name(f"{stem.name}.rttm"), sounds.turns(shots), stem.name)


class Sounds:
    """The sound of films, each of which is read once."""

    def __init__(self) -> None:
        self.films: dict[Path, np.ndarray] = {}

    def clip(self, clip: Clip) -> np.ndarray:
        """The sound of a clip: (n,) float32."""
        if clip.film not in self.films:
            self.films[clip.film] = read_waveform(clip.film)
        return self.films[clip.film][clip.start * SAMPLES : (clip.start + clip.frames) * SAMPLES]

    def of(self, shots: Sequence[PlannedShot]) -> np.ndarray:
        """The sound of a film."""
        parts = []
        for _, scene in scenes(shots):
            part = np.zeros(scene.frames * SAMPLES, np.float32)
            if scene.voice:
                heard = self.clip(scene.voice)[: len(part)]
                part[: len(heard)] = heard * _edges(len(heard))
            parts.append(part)
        return np.concatenate(parts)

    def turns(self, shots: Sequence[PlannedShot]) -> list[Turn]:
        """Who speaks when, without pauses."""
        return [
            Turn(round(start / float(FPS) + from_s, 3), round(start / float(FPS) + to_s, 3), scene.voice.speaker)
            for start, scene in scenes(shots)
            if scene.voice
            for from_s, to_s in speech(self.clip(scene.voice)[: scene.frames * SAMPLES])
        ]


def scenes(shots: Iterable[PlannedShot]) -> Iterator[tuple[int, Scene]]:
    """Each scene, and the frame of the film that it begins at."""
    start = 0
    for shot in shots:
        for scene in shot.scenes:
            yield start, scene
            start += scene.frames


def speech(sound: np.ndarray) -> list[tuple[float, float]]:
    """When somebody speaks in the clean sound of one voice, as ``(start, stop)`` in seconds."""
    n = len(sound) // HOP
    loudness = np.sqrt((sound[: n * HOP].reshape(n, HOP) ** 2).mean(axis=1))
    loud = np.flatnonzero(loudness > QUIET * np.percentile(loudness, 98)) if n else np.zeros(0, int)
    runs = np.split(loud, np.flatnonzero(np.diff(loud) > PAUSE) + 1)
    kept = [run for run in runs if len(run) and run[-1] + 1 - run[0] >= SHORT]
    return [(run[0] * HOP / SAMPLE_RATE, (run[-1] + 1) * HOP / SAMPLE_RATE) for run in kept]


def truth_of(
    shots: Sequence[PlannedShot], made: Sequence[DrawnShot], shown: Sequence[Shown], size: tuple[int, int]
) -> Truth:
    """The truth of the film whose pictures were ``shown``, which need not hold the pictures themselves any more."""
    found, events, start = [], [], 0
    for number, (shot, drawn_shot) in enumerate(zip(shots, made, strict=True)):
        here = shown[start : start + shot.frames]
        full = start + shot.length
        about = {"transition": shot.transition, "length": shot.length, "kind": shot.kind}
        found.append(TrueShot(start=start, full=full, parts=tuple(_parts(here, start)), **about))
        if drawn_shot.event:
            span = drawn_shot.event
            stop = min(span.stop, shot.frames)
            events.append(Event(kind=shot.effect, start=start + span.start, stop=start + stop))
        assert all(one.shot == number for one in here)
        start += shot.frames
    return Truth(fps=25, frames=start, size=size, shots=tuple(found), events=tuple(events), note=NOTE)


def _parts(shown: Sequence[Shown], start: int) -> Iterator[Part]:
    """A part for each run of frames that show the same and are heard alike."""
    frame = start
    for (faces, voice), run in groupby(shown, key=lambda one: (one.faces, one.scene.voice)):
        yield Part(start=frame, faces=faces, audible=voice.speaker if voice else None)
        frame += sum(1 for _ in run)


def _edges(n: int) -> np.ndarray:
    """A factor for each of ``n`` samples that lets sound begin and end softly."""
    ramp = np.minimum(np.arange(n), np.arange(n)[::-1]) / EDGE
    return np.minimum(1, ramp).astype(np.float32)


def _encode(pictures: Iterable[Shown], sound: np.ndarray, size: tuple[int, int], film: Path) -> list[Shown]:
    """Write the film; what its pictures showed, without the pictures."""
    with TemporaryDirectory() as folder:
        wav = _wav(Path(folder) / "sound.wav", sound)
        raw = ["-f", "rawvideo", "-pix_fmt", "rgb24", "-s", f"{size[0]}x{size[1]}", "-r", str(FPS), "-i", "pipe:0"]
        codecs = ["-c:v", "libx264", "-preset", "veryfast", "-crf", "18", "-pix_fmt", "yuv420p", "-c:a", "aac"]
        output = [*codecs, "-b:a", "96k", "-bitexact", "-movflags", "+faststart", f"file:{film}"]
        command = ffmpeg.command(*raw, *ffmpeg.input_args(wav), "-map", "0", "-map", "1", *output)
        with subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.PIPE) as process:
            shown = []
            for one in pictures:
                process.stdin.write(one.picture.tobytes())
                shown.append(replace(one, picture=NO_PICTURE))
            _, said = process.communicate()
        if process.returncode:
            raise CommandFailed(command, process.returncode, said.decode(errors="replace"))
    return shown


def _wav(path: Path, sound: np.ndarray) -> Path:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(SAMPLE_RATE)
        file.writeframes(np.rint(sound.clip(-1, 1) * 32767).astype("<i2").tobytes())
    return path
