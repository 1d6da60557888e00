"""A composed video as files: the video, its ground truth, and the true turns."""

import subprocess
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
from .sound import speech, write_wav

SAMPLES = int(SAMPLE_RATE / FPS)
"""Samples of sound in one frame."""

EDGE = 80
"""Samples (5 ms) over which sound fades at a cut, so that no click reveals the cut."""

NO_PICTURE = np.zeros((0, 0, 3), np.uint8)

NOTE = "composed by benchmarks/compose.py; form and keys: docs/use/evaluate.md"


def compose(material: Material, seed: int, folder: Path) -> tuple[Path, Path, Path]:
    """Write ``film-<seed>.mp4``, its ground truth and its RTTM into ``folder``; returns the three paths."""
    return write(plan(material, seed), material, folder / f"film-{seed}", Random(seed))


def write(shots: Sequence[PlannedShot], material: Material, stem: Path, rng: Random) -> tuple[Path, Path, Path]:
    """Write the video of these shots, its ground truth and its RTTM, named ``stem`` plus suffix; returns the paths."""
    stem.parent.mkdir(parents=True, exist_ok=True)
    drawn_shots, pictures = drawn(shots, material, rng)
    sounds = Sounds()
    film = stem.with_name(f"{stem.name}.mp4")
    shown = _encode(pictures, sounds.of(shots), material.size, film)
    truth = truth_of(shots, drawn_shots, shown, material.size)
    truth_file = stem.with_name(stem.name + SUFFIX)
    truth_file.write_text(truth.model_dump_json(by_alias=True, indent=1), encoding="utf-8")
    return film, truth_file, rttm.write(stem.with_name(f"{stem.name}.rttm"), sounds.turns(shots), stem.name)


class Sounds:
    """The sound of source videos, each read once."""

    def __init__(self) -> None:
        self.films: dict[Path, np.ndarray] = {}

    def clip(self, clip: Clip) -> np.ndarray:
        """The sound of a clip: (n,) float32."""
        if clip.film not in self.films:
            self.films[clip.film] = read_waveform(clip.film)
        return self.films[clip.film][clip.start * SAMPLES : (clip.start + clip.frames) * SAMPLES]

    def of(self, shots: Sequence[PlannedShot]) -> np.ndarray:
        """The sound of a composed video: (n,) float32."""
        parts = []
        for _, scene in scenes(shots):
            part = np.zeros(scene.frames * SAMPLES, np.float32)
            if scene.voice:
                speech_sound = self.clip(scene.voice)[: len(part)]
                part[: len(speech_sound)] = speech_sound * _edges(len(speech_sound))
            parts.append(part)
        return np.concatenate(parts)

    def turns(self, shots: Sequence[PlannedShot]) -> list[Turn]:
        """The true turns, without pauses."""
        return [
            Turn(round(start / float(FPS) + from_s, 3), round(start / float(FPS) + to_s, 3), scene.voice.speaker)
            for start, scene in scenes(shots)
            if scene.voice
            for from_s, to_s in speech(self.clip(scene.voice)[: scene.frames * SAMPLES])
        ]


def scenes(shots: Iterable[PlannedShot]) -> Iterator[tuple[int, Scene]]:
    """Each scene with its first frame in the video."""
    start = 0
    for shot in shots:
        for scene in shot.scenes:
            yield start, scene
            start += scene.frames


def truth_of(
    shots: Sequence[PlannedShot], drawn_shots: Sequence[DrawnShot], shown: Sequence[Shown], size: tuple[int, int]
) -> Truth:
    """The ground truth of a video with the frames ``shown``, which need not hold their pictures any more."""
    true_shots, events, start = [], [], 0
    for number, (shot, drawn_shot) in enumerate(zip(shots, drawn_shots, strict=True)):
        frames = shown[start : start + shot.frames]
        full = start + shot.length
        properties = {"transition": shot.transition, "length": shot.length, "kind": shot.kind}
        true_shots.append(TrueShot(start=start, full=full, parts=tuple(_parts(frames, start)), **properties))
        if drawn_shot.event:
            span = drawn_shot.event
            stop = min(span.stop, shot.frames)
            events.append(Event(kind=shot.effect, start=start + span.start, stop=start + stop))
        assert all(frame.shot == number for frame in frames)
        start += shot.frames
    return Truth(fps=25, frames=start, size=size, shots=tuple(true_shots), events=tuple(events), note=NOTE)


def _parts(shown: Sequence[Shown], start: int) -> Iterator[Part]:
    """A part per run of frames with the same faces and the same speaker."""
    first = start
    for (faces, voice), run in groupby(shown, key=lambda frame: (frame.faces, frame.scene.voice)):
        yield Part(start=first, faces=faces, audible=voice.speaker if voice else None)
        first += sum(1 for _ in run)


def _edges(n: int) -> np.ndarray:
    """Factors (n,) in [0, 1] that fade a sound in and out."""
    ramp = np.minimum(np.arange(n), np.arange(n)[::-1]) / EDGE
    return np.minimum(1, ramp).astype(np.float32)


def _encode(pictures: Iterable[Shown], sound: np.ndarray, size: tuple[int, int], film: Path) -> list[Shown]:
    """Write the video; returns its frames without their pictures. Raises CommandFailed."""
    with TemporaryDirectory() as folder:
        wav = write_wav(Path(folder) / "sound.wav", sound)
        raw = ["-f", "rawvideo", "-pix_fmt", "rgb24", "-s", f"{size[0]}x{size[1]}", "-r", str(FPS), "-i", "pipe:0"]
        codecs = ["-c:v", "libx264", "-preset", "veryfast", "-crf", "18", "-pix_fmt", "yuv420p", "-c:a", "aac"]
        output = [*codecs, "-b:a", "96k", "-bitexact", "-movflags", "+faststart", f"file:{film}"]
        command = ffmpeg.command(*raw, *ffmpeg.input_args(wav), "-map", "0", "-map", "1", *output)
        with subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.PIPE) as process:
            shown = []
            for frame in pictures:
                process.stdin.write(frame.picture.tobytes())
                shown.append(replace(frame, picture=NO_PICTURE))
            _, stderr = process.communicate()
        if process.returncode:
            raise CommandFailed(command, process.returncode, stderr.decode(errors="replace"))
    return shown
