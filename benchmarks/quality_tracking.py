"""How well faces are found and speakers recognized, beside the truth of a film made for it.

    python benchmarks/quality_tracking.py film.mp4 film.truth.json [--tracks tracking.parquet]

Without ``--tracks`` the tracking step runs here, with the truth's own shots and voices, so that the figures are those
of tracking alone. Frames inside a gradual transition do not count. For the speaker, neither do frames of a clip with an
audible voice where the sound is quiet for a third of a second (the truth names clips, and speech has pauses in them).
"""

import argparse
import json
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd

from vidlib import media
from vidlib.results.exports import shots_json, speech_table, tracking_table
from vidlib.steps import tracking
from vidlib.timeline import Shot, Span, Turn, seconds

QUIET = 0.04
PAUSE_FRAMES = 9


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("video", type=Path, nargs="?")
    parser.add_argument("truth", type=Path, nargs="?")
    parser.add_argument("--tracks", type=Path, help="score this table instead of running the step")
    given = parser.parse_args()
    if not given.truth:
        print("quality of tracking: not measured; it takes a film and its truth (see --help)")
        return
    truth = json.loads(given.truth.read_text())
    tracks = tracking_table.read(given.tracks) if given.tracks else run_step(given.video, truth)
    for line in (*face_lines(truth, tracks), speaker_line(truth, tracks, given.video)):
        print(line)


def run_step(video: Path, truth: dict) -> pd.DataFrame:
    """The step's table, made with the truth's shots and voices; prints how long it took."""
    with tempfile.TemporaryDirectory() as folder:
        shots = shots_json.write(Path(folder) / "shots.json", list(true_shots(truth)), engine="truth")
        voices = [part["audible"] for _, part in parts(truth)]
        turns = [Turn(float(seconds(n)), float(seconds(n + 1)), voice) for n, voice in enumerate(voices) if voice]
        speech = speech_table.write(Path(folder) / "speech.parquet", truth["frames"], [], turns)
        inputs = tracking.Inputs(
            video=video, frames=truth["frames"], shots=shots, speech=speech, out_dir=Path(folder) / "out"
        )
        started = time.monotonic()
        outputs = tracking.run(inputs, tracking.Params())
        print(f"{time.monotonic() - started:.1f} s for {truth['frames']} frames, {outputs.engine}")
        return tracking_table.read(outputs.tracks)


def true_shots(truth: dict) -> Iterator[Shot]:
    """The shots; a gradual transition ends the one before in its middle."""
    starts = [(shot["start"] + shot["full"]) // 2 for shot in truth["shots"]]
    for shot, start, stop in zip(truth["shots"], starts, [*starts[1:], truth["frames"]], strict=True):
        gradual = Span(shot["start"], shot["full"]) if shot["full"] > shot["start"] else None
        yield Shot(Span(start, stop), transition=gradual)


def parts(truth: dict) -> Iterator[tuple[dict, dict]]:
    """The shot and the part of it that each frame belongs to."""
    for shot, following in zip(truth["shots"], [*truth["shots"][1:], {"start": truth["frames"]}], strict=True):
        for frame in range(shot["start"], following["start"]):
            yield shot, [part for part in shot["parts"] if part["from"] <= frame][-1]


def faces(truth: dict, tracks: pd.DataFrame) -> Iterator[tuple[int, str, dict, pd.Series | None]]:
    """``frame, kind of shot, true face, its row or None`` for each face that a frame shows."""
    rows = dict(list(tracks[tracks.source == "face_landmarker"].groupby("frame")))
    for frame, (shot, part) in enumerate(parts(truth)):
        if frame < shot["full"]:
            continue
        for face in part["faces"]:
            found = rows.get(frame + 1, tracks.iloc[:0])
            left, top, width, height = face["panel"]
            inside = found[found.centroid_x.between(left, left + width) & found.centroid_y.between(top, top + height)]
            yield frame, shot["kind"], face, inside.iloc[0] if len(inside) else None


def face_lines(truth: dict, tracks: pd.DataFrame) -> Iterator[str]:
    """The share of faces found in each kind of shot, and tracks that cross from one shot to another."""
    shown, found, landmarks = Counter(), Counter(), Counter()
    for _, kind, _, row in faces(truth, tracks):
        shown[kind] += 1
        found[kind] += row is not None
        landmarks[kind] += row is not None and not np.isnan(row.jawOpen)
    for kind, count in shown.items():
        yield f"{kind:7} found {found[kind] / count:.3f}   with landmarks {landmarks[kind] / count:.3f}"
    cuts = [shot["start"] for shot in truth["shots"][1:] if shot["transition"] == "cut"]
    spans = tracks.groupby("track_id").frame.agg(["min", "max"])
    crossing = sum(int(((spans["min"] <= cut) & (spans["max"] > cut)).sum()) for cut in cuts)
    yield f"tracks that cross a cut: {crossing} of {len(spans)}"


def speaker_line(truth: dict, tracks: pd.DataFrame, video: Path) -> str:
    """Precision and recall of ``is_speaking``, over faces in frames."""
    sound = media.loudness(video)
    heard = pd.Series(sound).rolling(PAUSE_FRAMES, center=True, min_periods=1).max().to_numpy() > QUIET
    count = Counter()
    for frame, _, face, row in faces(truth, tracks):
        if row is not None and (heard[frame] or not face["speaking"]):
            count[face["speaking"], bool(row.is_speaking)] += 1
    right, wrong, missed = count[True, True], count[False, True], count[True, False]
    return f"speaking precision {right / max(1, right + wrong):.3f} recall {right / max(1, right + missed):.3f}"


if __name__ == "__main__":
    main()
