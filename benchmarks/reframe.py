"""Measure the window of ``vidlib reframe`` beside a centre crop, and beside a window that follows the largest face.

    python benchmarks/reframe.py film.mp4=film.truth.json [--aspect 9:16]
    python benchmarks/reframe.py

The second command composes a video from the media of two packages. Nobody in it is heard in view, so that all faces
count.

The ground truth says who is heard, and where the clip of each person was pasted. The face is what vidlib tracked there;
in frames in which it tracked none, it lies in the clip where it usually does. Frames of transitions do not count. For
all shots together and for the worst one: in how many frames the face of the person who is heard is whole, and in how
many frames the border cuts a face.
"""

import argparse
import sys
from collections import defaultdict
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

import numpy as np
from composing.anywhere import anywhere
from composing.film import write

import vidlib
from vidlib.api.reframing import reframe
from vidlib.errors import VidlibError
from vidlib.evaluation import ground_truth
from vidlib.evaluation.ground_truth import TrueFace, Truth
from vidlib.results.exports import boxes
from vidlib.results.exports.boxes import Box
from vidlib.results.reframing.framing import Area, Reframed, fastest, parse_aspect
from vidlib.results.reframing.plan import FACE

Place = tuple[float, float]
"""The left and right edge of a face, in pixels."""


def main() -> int:
    """Print a line per window; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", nargs="*", help="VIDEO=TRUTH (default: a composed video)")
    parser.add_argument("--aspect", default="9:16", help="the shape of the window (default: 9:16)")
    options = parser.parse_args()
    try:
        for text in options.what:
            video, _, truth = text.partition("=")
            measure(Path(video), Path(truth), options.aspect, vidlib.Workspace())
        if not options.what:
            with TemporaryDirectory() as folder:
                material, shots = anywhere()
                video, truth, _ = write(shots, material, Path(folder) / "anywhere", Random(0))
                measure(video, truth, options.aspect, vidlib.Workspace(Path(folder) / "workspace"))
    except VidlibError as error:
        print(f"reframe: {error}", file=sys.stderr)
        return error.exit_code
    return 0


def measure(path: Path, truth_file: Path, aspect: str, workspace: vidlib.Workspace) -> None:
    """Print the figures of the plan and of two simple windows."""
    truth = ground_truth.read(truth_file)
    results = workspace.open(path).results("convert", "scenes", "tracking")
    reframed = reframe(results, parse_aspect(aspect))
    found = [box for box in boxes.read(results.needed_file("tracking", "tracks")) if box.label == FACE]
    for name, line in compare(reframed, found, truth).items():
        print(f"{path.name:12} {name:14} {line}")


def compare(reframed: Reframed, found: Sequence[Box], truth: Truth) -> dict[str, str]:
    """The figures of each window, as a line; ``found`` are the faces that vidlib tracked."""
    width, height = reframed.size
    window = reframed.framings[0].window[0]
    areas = list(reframed.areas)
    half = window // 2
    middle = [Area(width // 2 - half, 0, window, height)] * truth.frames
    follow = [
        Area(int(np.clip(x, half, width - half)) - half, 0, window, height) for x in largest(found, truth.frames, width)
    ]
    faces = true_faces(found, truth)
    speed = fastest(reframed.framings) * 25 / width
    kinds = ", ".join(sorted({framing.kind for framing in reframed.framings}))
    return {
        "plan": f"{figures(areas, faces, truth)}; {kinds}; fastest {speed:.0%} of the width a second",
        "centre": figures(middle, faces, truth),
        "largest face": f"{figures(follow, faces, truth)}; {jumps(follow, reframed)} jumps within shots",
    }


def largest(faces: Sequence[Box], n_frames: int, width: int) -> list[float]:
    """The middle of the largest face in each frame; the last one, or the centre, where there is none."""
    by_frame: dict[int, Box] = {}
    for box in faces:
        if box.frame not in by_frame or box.height > by_frame[box.frame].height:
            by_frame[box.frame] = box
    centres, last = [], width / 2
    for frame in range(n_frames):
        if frame in by_frame:
            last = by_frame[frame].x + by_frame[frame].width / 2
        centres.append(last)
    return centres


def true_faces(found: Sequence[Box], truth: Truth) -> list[list[tuple[TrueFace, Place]]]:
    """The true faces of each frame with their places."""
    by_frame: dict[int, list[Box]] = defaultdict(list)
    for box in found:
        by_frame[box.frame].append(box)
    seen: dict[str, list[Place]] = defaultdict(list)
    tracked: dict[tuple[int, TrueFace], Box] = {}
    for moment in truth.moments():
        for face in moment.part.faces:
            for box in by_frame[moment.frame]:
                if face.holds(box.x + box.width / 2, box.y + box.height / 2):
                    tracked[moment.frame, face] = box
                    left, _, width, _ = face.panel
                    seen[face.clip].append(((box.x - left) / width, (box.x + box.width - left) / width))
    usual = {clip: np.median(places, axis=0) for clip, places in seen.items()}
    return [
        [
            (face, _place(face, tracked.get((moment.frame, face)), usual))
            for face in moment.part.faces
            if face.clip in usual
        ]
        for moment in truth.moments()
    ]


def _place(face: TrueFace, box: Box | None, usual: dict[str, np.ndarray]) -> Place:
    if box:
        return box.x, box.x + box.width
    left, right = face.panel[0] + face.panel[2] * usual[face.clip]
    return float(left), float(right)


def figures(areas: Sequence[Area], faces: Sequence[Sequence[tuple[TrueFace, Place]]], truth: Truth) -> str:
    """The figures of one window, as a line."""
    unclear, whole, cut = truth.unclear(), defaultdict(list), []
    is_heard = any(face.speaking for moment in truth.moments() for face in moment.part.faces)
    for moment in truth.moments():
        if moment.frame in unclear or not faces[moment.frame]:
            continue
        area = areas[moment.frame]
        first, last = area.left, area.left + area.width
        shown = [(face, first <= left and right <= last) for face, (left, right) in faces[moment.frame]]
        whole[moment.number] += [inside for face, inside in shown if face.speaking or not is_heard]
        cut.append(
            any(
                not inside and left < last and first < right
                for (_, inside), (_, (left, right)) in zip(shown, faces[moment.frame], strict=True)
            )
        )
    shares = [np.mean(frames) for frames in whole.values() if frames]
    frames = [inside for shot in whole.values() for inside in shot]
    return (
        f"{'speaking ' * is_heard}face whole in {np.mean(frames):.3f} of {len(frames)} frames, in {min(shares):.2f} of "
        f"the worst shot of {len(shares)}; cut faces in {np.mean(cut):.3f}"
    )


def jumps(areas: Sequence[Area], reframed: Reframed) -> int:
    """How often the window jumps by a tenth of its width within a shot."""
    begins = {segment.start for framing in reframed.framings for segment in framing.segments[:1]}
    steps = enumerate(pairwise(areas), 1)
    return sum(abs(b.left - a.left) > a.width / 10 and frame not in begins for frame, (a, b) in steps)


if __name__ == "__main__":
    sys.exit(main())
