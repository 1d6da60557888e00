"""Measure the vertical window beside a centre crop, and beside a window that follows the largest face.

    python benchmarks/reframe.py film.mp4=film.truth.json

The ground truth says where the clip of the audible person was pasted. A window shows that person if the middle of the
clip lies in the middle 70 % of the window. The other figures use the faces that vidlib tracked: in how many frames with
a speaking face it is whole, in how many frames with a face one is cut by the border, and how often the window jumps
within a shot.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np

import vidlib
from vidlib.errors import VidlibError
from vidlib.results import vertical
from vidlib.results.exports import boxes, shots_json
from vidlib.results.exports.boxes import Box
from vidlib.timeline import Shot

MIDDLE_SHARE = 0.7


def main() -> int:
    """Print a line per window; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", nargs="*", help="VIDEO=TRUTH; without one there is nothing to measure")
    what = parser.parse_args().what
    if not what:
        print("reframe: no video with ground truth is given; nothing to measure", file=sys.stderr)
    try:
        for text in what:
            video, _, truth = text.partition("=")
            measure(Path(video), Path(truth))
    except VidlibError as error:
        print(f"reframe: {error}", file=sys.stderr)
        return error.exit_code
    return 0


def measure(path: Path, truth: Path) -> None:
    """Print the figures of the plan and of two simple windows."""
    results = vidlib.open(path).results("convert", "scenes", "tracking")
    facts = results.outputs("convert")
    width, height, n_frames = facts["width"], facts["height"], facts["frames"]
    shots = shots_json.read(results.needed_file("scenes", "shots"))
    groups = list(boxes.read_shots(results.needed_file("tracking", "tracks")))
    faces = [box for group in groups for box in group if box.label == vertical.FACE]
    window = vertical.window_width(width, height)
    keys = [key for chosen in vertical.windows(shots, groups, width, height) for key in chosen.keys]
    starts = np.array([frame for frame, _ in keys])
    plan = np.array([centre for _, centre in keys])[np.searchsorted(starts, range(n_frames), "right") - 1]
    places = {
        "plan": plan,
        "centre": np.full(n_frames, width // 2),
        "largest face": np.clip(largest(faces, n_frames, width), window // 2, width - window // 2),
    }
    spoken = audible(truth, n_frames)
    for name, centres in places.items():
        print(f"{path.name:12} {name:14} {figures(centres, faces, spoken, shots, window)}")


def largest(faces: Sequence[Box], n_frames: int, width: int) -> np.ndarray:
    """The middle of the largest face in each frame; the last one, or the centre, where there is none."""
    by_frame: dict[int, Box] = {}
    for box in faces:
        if box.frame not in by_frame or box.height > by_frame[box.frame].height:
            by_frame[box.frame] = box
    centres, last = [], width // 2
    for frame in range(n_frames):
        if frame in by_frame:
            last = round(by_frame[frame].x + by_frame[frame].width / 2)
        centres.append(last)
    return np.array(centres)


def audible(truth: Path, n_frames: int) -> np.ndarray:
    """The middle of the clip of the audible person in each frame, in pixels; NaN where nobody audible is in view."""
    parts = [part for shot in json.loads(truth.read_text())["shots"] for part in shot["parts"]]
    starts = [part["from"] for part in parts]
    middles = np.full(n_frames, np.nan)
    for start, stop, part in zip(starts, [*starts[1:], n_frames], parts, strict=True):
        for face in part["faces"]:
            if face.get("speaking"):
                left, _, width, _ = face["panel"]
                middles[start:stop] = left + width / 2
    return middles


def figures(centres: np.ndarray, faces: Sequence[Box], spoken: np.ndarray, shots: Sequence[Shot], window: int) -> str:
    """The figures of one window, as a line."""
    known = ~np.isnan(spoken)
    shown = np.abs(spoken[known] - centres[known]) <= MIDDLE_SHARE / 2 * window
    left = centres - window // 2
    whole, cut, talking = set(), set(), set()
    for box in faces:
        first, last = left[box.frame], left[box.frame] + window
        inside = first <= box.x and box.x + box.width <= last
        if box.is_speaking:
            talking.add(box.frame)
            whole |= {box.frame} if inside else set()
        if not inside and box.x < last and first < box.x + box.width:
            cut.add(box.frame)
    begins = {shot.span.start for shot in shots}
    jumps = sum(frame + 1 not in begins for frame in np.flatnonzero(np.abs(np.diff(centres)) > window / 10))
    return (
        f"audible person shown in {shown.mean():.3f} of {known.sum()} frames; speaking face whole in "
        f"{len(whole) / max(1, len(talking)):.3f} of {len(talking)}, cut faces in "
        f"{len(cut) / max(1, len({box.frame for box in faces})):.3f}; {jumps} jumps within shots"
    )


if __name__ == "__main__":
    sys.exit(main())
