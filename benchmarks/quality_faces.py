"""Measure what each stage of face tracking is worth on faces that move as composed films do not let them.

    python benchmarks/quality_faces.py film.mp4 cache/

Four faces (two of the film, one in a car, one portrait) make ten movements each: they walk in, pass, stop, sway, turn,
lie, bow, come near, stand at the edge or in the dark. Where each face is follows from how it was moved. The detector
searches every frame of these 40 sequences once, and the folder CACHE keeps what it finds. The tracker then gets that in
place of whole pictures and of windows; landmarks are found wherever the true face is.

Each sequence is tracked from frame 0, 7 and 13 on, because a face may be lucky with the frames that are searched. The
tables have a row for each variant, each movement and each face. Intervals are those of a bootstrap by sequence
(docs/how-we-measure.md).
"""

import argparse
import pickle
import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple
from unittest.mock import patch

import numpy as np
import pandas as pd
from ablation.statistics import Errors, Scores, interval
from composing.moving import MOVEMENTS, N_FRAMES, backdrop, compose, sources

from vidlib.engines import faces
from vidlib.errors import VidlibError
from vidlib.geometry import Detections, overlaps
from vidlib.protocols import FaceDetector, FaceLandmarks
from vidlib.timeline import Span
from vidlib.tracking import association, following, shot_tracker
from vidlib.tracking.association import Track
from vidlib.tracking.shot_tracker import ShotTracker

MIN_SCORE = 0.3
"""Least score of a detection that the product asks for."""

MIN_VISIBLE = 0.6
"""Share of a face within the picture from which on it should be found."""

STARTS = (0, 7, 13)
"""Frames from which on each sequence is tracked."""


class Moment(NamedTuple):
    """What the detector found in a frame, the true box (4,), and the visible share of the face."""

    detections: Detections
    box: np.ndarray
    visible: float


def main() -> int:
    """Print the tables; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("film", type=Path, help="video whose frames 10 to 69 and 80 to 139 show one person, close")
    parser.add_argument("cache", type=Path, help="folder for what the detector finds")
    options = parser.parse_args()
    try:
        sequences = detected(options.film, options.cache / "moving.pickle")
    except VidlibError as error:
        print(f"quality_faces: {error}", file=sys.stderr)
        return error.exit_code
    scores, searched = {}, {}
    for name, variant in VARIANTS.items():
        scores[name], searched[name] = measure(sequences, variant)
    print(table(scores, searched), found_by(scores["product"], 0), found_by(scores["product"], 1), sep="\n\n")
    return 0


def detected(film: Path, cache: Path) -> dict[str, list[Moment]]:
    """The moments of each sequence, by "movement: face"; from the file ``cache`` where it exists."""
    if not cache.exists():
        cache.parent.mkdir(parents=True, exist_ok=True)
        with faces.open_detector("centerface", "cpu", MIN_SCORE, None) as detector:
            sequences = {
                f"{movement}: {source.name}": _moments(
                    detector, [compose(source, place(frame), frame, backdrop(index)) for frame in range(N_FRAMES)]
                )
                for source in sources(film)
                for index, (movement, place) in enumerate(MOVEMENTS.items())
            }
        cache.write_bytes(pickle.dumps(sequences))
    return pickle.loads(cache.read_bytes())


def _moments(detector: FaceDetector, composed: list[tuple[np.ndarray, np.ndarray, float]]) -> list[Moment]:
    found = detector.detect([picture for picture, _, _ in composed])
    return [Moment(faces, box, visible) for faces, (_, box, visible) in zip(found, composed, strict=True)]


@dataclass
class Known:
    """All engines at once, for pictures that hold the number of their frame: they know the moments of a sequence."""

    moments: list[Moment]
    n_searched: int = 0
    n_windows: int = 0
    name: str = field(default="known", init=False)

    def detect(self, pictures: list[np.ndarray]) -> list[Detections]:
        """What was found in whole pictures."""
        self.n_searched += len(pictures)
        return [self.moments[int(picture.flat[0])].detections for picture in pictures]

    def search(self, _: Any, pictures: list[np.ndarray], boxes: list[np.ndarray]) -> list[Detections]:
        """What was found around each box, in place of `following.search`."""
        self.n_windows += len(pictures)
        reach = following.WINDOW_SIDE / following.WINDOW_FACE_PX / 2
        near = []
        for picture, box in zip(pictures, boxes, strict=True):
            detections = self.moments[int(picture.flat[0])].detections
            away = np.abs(centres(detections.boxes) - centres(box[None])).max(axis=1, initial=0)
            near.append(detections.keep(away < reach * max(box[2:] - box[:2])))
        return near

    def find(self, pictures: list[np.ndarray], boxes: list[np.ndarray], _: object) -> list[FaceLandmarks | None]:
        """Landmarks where the box is that of the true face."""
        face = FaceLandmarks(np.zeros((478, 2), np.float32), np.zeros(52, np.float32))
        true = [self.moments[int(picture.flat[0])].box for picture in pictures]
        hits = [overlaps(box[None], other[None])[0, 0] >= 0.3 for box, other in zip(boxes, true, strict=True)]
        return [face if hit else None for hit in hits]

    def embed(self, pictures: list[np.ndarray], _: object) -> np.ndarray:
        """Every face is the same person."""
        return np.zeros((len(pictures), 128), np.float32)


Variant = tuple[dict[str, Any], tuple[tuple[object, str, object], ...]]
"""Settings of the tracker, and what is replaced: an attribute of a module or class, and its value."""


def where_expected(tracks: list[Track], boxes: np.ndarray, frame: int) -> np.ndarray:
    """The overlap with the place where a track is expected, alone."""
    return overlaps(np.array([track.predicted_box(frame) for track in tracks]), boxes)


VARIANTS: dict[str, Variant] = {
    "product": ({}, ()),
    "no following": ({}, ((shot_tracker, "follow", lambda *_: {}),)),
    "one place: where a track is expected": ({}, ((association, "overlap_with_tracks", where_expected),)),
    "neither of both": (
        {},
        (
            (shot_tracker, "follow", lambda *_: {}),
            (association, "overlap_with_tracks", where_expected),
        ),
    ),
    "every 15th frame searched": ({"detect_every": 15}, ()),
    "every 10th frame searched": ({"detect_every": 10}, ()),
    "every 5th frame searched, no following": ({"detect_every": 5}, ((shot_tracker, "follow", lambda *_: {}),)),
}


def measure(sequences: Mapping[str, list[Moment]], variant: Variant) -> tuple[Scores, str]:
    """The errors of each sequence from each of `STARTS` on, and the pictures and windows searched in 100 frames."""
    settings, changes = variant
    scores: dict[str, list[Errors]] = defaultdict(list)
    n_frames = n_searched = n_windows = 0
    for name, moments in sequences.items():
        for start in STARTS:
            known = Known(moments[start:])
            with ExitStack() as stack:
                for change in ((following, "search", known.search), *changes):
                    stack.enter_context(patch.object(*change))
                tracks = tracked(known, settings)
            scores[name].append(errors(known.moments, tracks))
            n_frames, n_searched = n_frames + len(known.moments), n_searched + known.n_searched
            n_windows += known.n_windows
    return scores, f"{100 * n_searched / n_frames:.1f}, {100 * n_windows / n_frames:.1f}"


def tracked(known: Known, settings: Mapping[str, Any]) -> list[Track]:
    """The tracks of a sequence, which is one shot."""
    shot = Span(0, len(known.moments))
    tracker = ShotTracker(known, known, known, known, object_detector=None, **settings)
    pictures = (np.full((1, 1, 3), frame) for frame in range(len(shot)))
    return tracker.track(shot, tracker.detect_faces([shot], pictures), np.zeros(len(shot), bool))


def errors(moments: list[Moment], tracks: list[Track]) -> Errors:
    """Frames in which the face is missed, or something else is a face; the frames in which it should be found."""
    rows: dict[int, list[np.ndarray]] = defaultdict(list)
    for track in tracks:
        frames = np.array(track.span)
        for frame, box in zip(frames.tolist(), track.boxes_at(frames), strict=True):
            rows[frame].append(box)
    missed = false = total = 0
    for frame, (_, true, visible) in enumerate(moments):
        hits = sum(is_at(box, true) for box in rows[frame]) if visible > 0 else 0
        total += visible >= MIN_VISIBLE
        missed += visible >= MIN_VISIBLE and not hits
        false += len(rows[frame]) - min(1, hits)
    return Errors(missed, false, 0, total, len(tracks), 1)


def is_at(box: np.ndarray, true: np.ndarray) -> bool:
    """Whether the centres are less than half a face apart."""
    away = np.abs(centres(box[None]) - centres(true[None])).max()
    return bool(away < 0.5 * max(*(box[2:] - box[:2]), *(true[2:] - true[:2])))


def centres(boxes: np.ndarray) -> np.ndarray:
    return (boxes[:, :2] + boxes[:, 2:]) / 2


def sums(versions: Iterable[Errors]) -> np.ndarray:
    return np.sum([list(one) for one in versions], axis=0)


def table(scores: Mapping[str, Scores], searched: Mapping[str, str]) -> str:
    """A row for each variant."""
    rows = {}
    for name, own in scores.items():
        missed, false, _, total, n_tracks, n_true = sums(one for versions in own.values() for one in versions)
        shares = [1 - sums(versions)[0] / max(1, sums(versions)[3]) for versions in own.values()]
        low, high = interval(own, scores["product"])
        rows[name] = {
            "found": f"{1 - missed / total:.3f}",
            "mean ± spread": f"{np.mean(shares):.3f} ± {np.std(shares, ddof=1):.3f}",
            "false in 100 frames": f"{100 * false / total:.1f}",
            "tracks of a face": f"{n_tracks / n_true:.2f}",
            "missed and false, difference": f"[{low:+.3f}, {high:+.3f}]",
            "pictures, windows searched in 100 frames": searched[name],
        }
    return pd.DataFrame.from_dict(rows, orient="index").to_string()


def found_by(scores: Scores, part: int) -> str:
    """The found share and false faces of each movement (``part`` 0) or face (1)."""
    return "\n".join(
        f"{name:20} {1 - missed / total:.3f} of {total:.0f}, {100 * false / total:.1f} false in 100 frames"
        for name, (missed, false, _, total, *_) in sorted(_by_part(scores, part))
    )


def _by_part(scores: Scores, part: int) -> Iterator[tuple[str, np.ndarray]]:
    by_name: dict[str, list[Errors]] = defaultdict(list)
    for name, versions in scores.items():
        by_name[name.split(": ")[part]] += versions
    return ((name, sums(versions)) for name, versions in by_name.items())


if __name__ == "__main__":
    sys.exit(main())
