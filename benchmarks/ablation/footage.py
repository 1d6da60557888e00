"""Footage whose boundaries are known: videos as they are, and edits of their shots, each measured once."""

import json
import subprocess
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import NamedTuple

import numpy as np
import pyarrow.parquet as pq
from composing.edits import EDITS, Edge, Edited, Look, degraded

from vidlib.engines.shots.boundaries import Evidence
from vidlib.evaluation import ground_truth
from vidlib.media import ffmpeg, thumbnails
from vidlib.media.frames import read_frames
from vidlib.steps import scenes
from vidlib.timeline import FPS, Span

SIZE = (320, 180)
"""Width and height of the frames of an edit, in pixels."""

TWICE = ("jump cuts",)
"""Edits that are made more often than once."""

UNEDITED, EDITS_OF = "as it is", "edits"

SEEN = 1.3
"""A cut shows where the picture changes so many times as much as in the frames around it, and by `LEAST_CHANGE`."""

LEAST_CHANGE, LEAST_DISSOLVED = 3, 16
"""Mean differences, 0-255, across a cut and across a dissolve: less cannot be seen."""


class Footage(NamedTuple):
    """A video: its source, its true boundaries, spans where a boundary is neither right nor wrong, and thumbnails."""

    source: str
    form: str
    edges: tuple[Edge, ...]
    optional: tuple[Span, ...]
    small: Path
    kinds: tuple[tuple[Span, str], ...] = ()

    @property
    def pictures(self) -> np.ndarray:
        """Every frame in small: (n, 27, 48, 3) uint8."""
        return np.fromfile(self.small, np.uint8).reshape(-1, *thumbnails.SIZE[::-1], 3)

    def kind_at(self, frame: int) -> str:
        """The name of the edit that holds this frame; empty for a video as it is."""
        return next((kind for span, kind in self.kinds if span.start <= frame < span.stop), "")


def footage(video: Path, truth: Path, cache: Path, *, source: str = "") -> Iterator[Footage]:
    """A video as it is, and a second one with every edit of its shots; ``cache`` keeps their frames.

    A video of a larger ``source`` is not edited.
    """
    name, (edges, optional) = video.stem, read_truth(truth)
    cache.mkdir(parents=True, exist_ok=True)
    small = cache / f"{name}.rgb"
    if not small.exists():
        _write(small, read_frames(video, *thumbnails.SIZE))
    yield Footage(source or name, UNEDITED, edges, optional, small)
    if not source:
        yield _edited(name, cache, lambda: shots(video, edges, optional))


def read_truth(path: Path) -> tuple[tuple[Edge, ...], tuple[Span, ...]]:
    """The boundaries of a ground truth, in one of the two forms of quality_shots.py, and the optional spans."""
    content = json.loads(path.read_text(encoding="utf-8"))
    if "cuts" not in content:
        true = ground_truth.read(path).shots[1:]
        kind = {"cut": "cut", "dissolve": "dissolve", "black": "black"}
        return tuple(Edge(s.blended.start if s.blended else s.start, s.full, kind[s.transition]) for s in true), ()
    gradual = [Edge(first, last + 1, "dissolve") for first, last, _ in content["gradual"]]
    edges = [Edge(cut, cut, "cut") for cut in content["cuts"]] + gradual
    return tuple(sorted(edges)), tuple(Span(first, last + 1) for first, last in content["optional"])


def shots(video: Path, edges: Sequence[Edge], optional: Sequence[Span]) -> list[np.ndarray]:
    """The frames of each shot without transitions, of 20 frames or more."""
    frames = np.stack(list(read_frames(video, *SIZE)))
    unclear = sorted([(edge.start, edge.full) for edge in edges] + [(span.start, span.stop) for span in optional])
    starts, stops = [0, *(full for _, full in unclear)], [*(start for start, _ in unclear), len(frames)]
    return [frames[a:b] for a, b in zip(starts, stops, strict=True) if b - a >= 20]


def evidence_of(made: Footage) -> Evidence:
    """What the step *scenes* measures, kept beside the thumbnails."""
    folder = made.small.with_suffix("")
    if not (folder / "scores.parquet").exists():
        n_frames = len(made.pictures)
        inputs = scenes.Inputs(video=made.small, frames=n_frames, small=made.small, out_dir=folder)
        scenes.run(inputs, scenes.Params())
    table = pq.read_table(folder / "scores.parquet")
    return Evidence(**{name: table[name].to_numpy().astype(np.float32) for name in Evidence.__annotations__})


def _edited(name: str, cache: Path, shots_of_source: Callable[[], list[np.ndarray]]) -> Footage:
    """All edits of a source, one after the other; the places where they meet are optional."""
    small, notes = cache / f"{name}-edits.rgb", cache / f"{name}-edits.json"
    if not notes.exists():
        parts = list(_parts(shots_of_source(), Random(name)))
        _write(small, (frame for _, part in parts for frame in part.frames))
        notes.write_text(json.dumps([(kind, len(part.frames), part.edges) for kind, part in parts]))
    edges, kinds, start = [], [], 0
    for kind, n_frames, part in json.loads(notes.read_text()):
        edges += [Edge(start + a, start + b, c) for a, b, c in part]
        kinds.append((Span(start, start + n_frames), kind))
        start += n_frames
    made = Footage(name, EDITS_OF, tuple(edges), (), small, tuple(kinds))
    hidden = [edge for edge in edges if not _shows(made.pictures, edge)]
    joins = [Span(span.start, span.start + 1) for span, _ in kinds[1:]]
    spans = joins + [Span(edge.start, edge.full + 1) for edge in hidden]
    return made._replace(edges=tuple(edge for edge in edges if edge not in hidden), optional=tuple(spans))


def _parts(shots_of_source: Sequence[np.ndarray], rng: Random) -> Iterator[tuple[str, Edited]]:
    """Every edit, as small frames that have been through an encoder."""
    order = list(EDITS)
    rng.shuffle(order)
    for kind in [*order, *TWICE]:
        if kind.startswith("splices") and len(shots_of_source) < 2:
            continue
        look: Look = rng.choice(["", "", "", "noise", "twos", "bitrate"])
        edited = degraded(EDITS[kind](shots_of_source, rng), look, rng)
        quality = ["-crf", "40", "-g", str(rng.choice([12, 25, 50]))] if look == "bitrate" else ["-crf", "20"]
        yield kind, edited._replace(frames=_encoded(edited.frames, quality))


def _encoded(frames: np.ndarray, quality: Sequence[str]) -> np.ndarray:
    with TemporaryDirectory() as folder:
        video = Path(folder) / "edit.mp4"
        raw = ["-f", "rawvideo", "-pix_fmt", "rgb24", "-s", "{}x{}".format(*SIZE), "-r", str(FPS), "-i", "pipe:0"]
        codec = ["-c:v", "libx264", "-preset", "superfast", *quality, "-pix_fmt", "yuv420p", f"file:{video}"]
        subprocess.run(ffmpeg.command(*raw, *codec), input=np.ascontiguousarray(frames).tobytes(), check=True)
        return np.stack(list(read_frames(video, *thumbnails.SIZE)))


def _write(path: Path, frames: Iterable[np.ndarray]) -> None:
    with path.open("wb") as file:
        for frame in frames:
            file.write(np.ascontiguousarray(frame).tobytes())


def _shows(pictures: np.ndarray, edge: Edge) -> bool:
    """Whether somebody can see the boundary, in thumbnails (n, 27, 48, 3)."""
    near = pictures[max(0, edge.start - 6) : edge.full + 6].astype(np.int16)
    at = min(6, edge.start)
    across = np.abs(near[min(at + edge.full - edge.start, len(near) - 1)] - near[at - 1]).mean()
    if edge.kind != "cut":
        return edge.kind == "black" or across >= LEAST_DISSOLVED
    changes = np.abs(np.diff(near, axis=0)).mean(axis=(1, 2, 3))
    around = np.delete(changes, range(at - 1, at + edge.full - edge.start))
    return across >= max(LEAST_CHANGE, SEEN * around.max())
