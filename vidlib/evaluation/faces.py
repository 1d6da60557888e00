"""Scores of face detection and tracking."""

from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Iterator, Sequence
from typing import TYPE_CHECKING

from vidlib.evaluation.ground_truth import Truth
from vidlib.evaluation.matching import FaceMatch, FaceMatches
from vidlib.evaluation.score import Score, count, share
from vidlib.evaluation.shots import TOLERANCE

if TYPE_CHECKING:
    import pandas as pd

PART = "faces"

BANDS = ((0, "under 48 px"), (48, "48 to 95 px"), (96, "96 to 191 px"), (192, "192 px and more"))
"""Bands of true face height. Every detector finds faces under 48 pixels difficult; each band doubles the height."""


def scores(truth: Truth, matches: FaceMatches, tracks: "pd.DataFrame") -> Iterator[Score]:
    """Scores of coverage, track purity, identity switches, tracks across a cut, and false faces."""
    yield share(PART, "found", *_detected(matches.matches))
    yield from _covered(matches, lambda match: match.kind)
    yield from _covered(matches, lambda match: band(match.face.height_px))
    seen = list(matches.detected())
    yield share(PART, "with landmarks", sum(match.has_landmarks for match in seen), len(seen))
    yield share(
        PART,
        "track purity",
        sum(counts.most_common(1)[0][1] for counts in persons_of_tracks(matches).values()),
        len(seen),
    )
    appearances = len({(match.shot, match.face.speaker) for match in matches.matches})
    yield count(PART, "identity switches", switches(matches), appearances)
    yield count(PART, "tracks across a cut", crossing(truth, tracks), tracks.track_id.nunique())
    per_100 = 100 * matches.n_false / matches.n_frames if matches.n_frames else None
    yield Score(part=PART, measure="false faces", value=per_100, unit="per 100 frames", n=matches.n_frames)


def band(height_px: float) -> str:
    """The name of the band for a face of this height.

    >>> band(47.9), band(48)
    ('under 48 px', '48 to 95 px')
    """
    return [name for least, name in BANDS if height_px >= least][-1]


def persons_of_tracks(matches: FaceMatches) -> dict[int, Counter[str]]:
    """The number of frames that each track spends on each person. Tracks without a true face are left out."""
    persons: dict[int, Counter[str]] = defaultdict(Counter)
    for match in matches.detected():
        persons[match.row.track_id][match.face.speaker] += 1
    return persons


def switches(matches: FaceMatches) -> int:
    """How often a person continues under another track within one shot, ignoring gaps.

    These are the identity switches of MOTA (Bernardin, Stiefelhagen 2008), with the matching of `match_faces`.
    """
    last: dict[Hashable, int] = {}
    switched = 0
    for match in matches.detected():
        who = match.shot, match.face.speaker
        switched += last.get(who, match.row.track_id) != match.row.track_id
        last[who] = match.row.track_id
    return switched


def crossing(truth: Truth, tracks: "pd.DataFrame") -> int:
    """The number of tracks, including objects, that cross a hard cut by more than `TOLERANCE` frames."""
    spans = tracks.groupby("track_id").frame.agg(["min", "max"]) - 1
    cuts = [shot.start for shot in truth.shots if shot.boundary == "cut"]
    return sum(any(a < cut - TOLERANCE and b >= cut + TOLERANCE for cut in cuts) for a, b in spans.to_numpy())


def _covered(matches: FaceMatches, subset_of: Callable[[FaceMatch], str]) -> Iterator[Score]:
    """The share of detected faces in each subset."""
    groups: dict[str, list[FaceMatch]] = defaultdict(list)
    for match in matches.matches:
        groups[subset_of(match)].append(match)
    for name in sorted(groups):
        yield share(PART, "found", *_detected(groups[name]), name)


def _detected(matches: Sequence[FaceMatch]) -> tuple[int, int]:
    return sum(match.row is not None for match in matches), len(matches)
