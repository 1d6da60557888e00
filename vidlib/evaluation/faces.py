"""How well faces are found and followed."""

from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Iterator
from typing import TYPE_CHECKING

from vidlib.evaluation.ground_truth import Truth
from vidlib.evaluation.matching import Pair, Pairs
from vidlib.evaluation.score import Score, count, share
from vidlib.evaluation.shots import TOLERANCE

if TYPE_CHECKING:
    import pandas as pd

PART = "faces"

BANDS = ((0, "under 48 px"), (48, "48 to 95 px"), (96, "96 to 191 px"), (192, "192 px and more"))
"""Bands of true face height: what is smaller than 48 pixels is hard for every detector, and each band doubles."""


def scores(truth: Truth, pairs: Pairs, tracks: "pd.DataFrame") -> Iterator[Score]:
    """Coverage, purity and switches of identity, tracks that cross a cut, faces that are none."""
    yield share(PART, "found", *_found(pairs.pairs))
    yield from _covered(pairs, lambda pair: pair.kind)
    yield from _covered(pairs, lambda pair: band(pair.face.height_px))
    seen = list(pairs.found())
    yield share(PART, "with landmarks", sum(pair.has_landmarks for pair in seen), len(seen))
    yield share(PART, "track purity", sum(counts.most_common(1)[0][1] for counts in owners(pairs).values()), len(seen))
    appearances = len({(pair.shot, pair.face.speaker) for pair in pairs.pairs})
    yield count(PART, "identity switches", switches(pairs), appearances)
    yield count(PART, "tracks across a cut", crossing(truth, tracks), tracks.track_id.nunique())
    per_100 = 100 * pairs.n_false / pairs.n_frames if pairs.n_frames else None
    yield Score(part=PART, measure="false faces", value=per_100, unit="per 100 frames", n=pairs.n_frames)


def band(height_px: float) -> str:
    """The name of the band that a face of this height is in.

    >>> band(47.9), band(48)
    ('under 48 px', '48 to 95 px')
    """
    return [name for least, name in BANDS if height_px >= least][-1]


def owners(pairs: Pairs) -> dict[int, Counter[str]]:
    """How many frames each track spends on each person, by its id; tracks that show no true face are left out."""
    found: dict[int, Counter[str]] = defaultdict(Counter)
    for pair in pairs.found():
        found[pair.row.track_id][pair.face.speaker] += 1
    return found


def switches(pairs: Pairs) -> int:
    """How often a person, within one shot, goes on under another track than before, gaps left aside.

    The identity switches of MOTA (Bernardin, Stiefelhagen 2008), with our own pairing.
    """
    last: dict[Hashable, int] = {}
    switched = 0
    for pair in pairs.found():
        who = pair.shot, pair.face.speaker
        switched += last.get(who, pair.row.track_id) != pair.row.track_id
        last[who] = pair.row.track_id
    return switched


def crossing(truth: Truth, tracks: "pd.DataFrame") -> int:
    """How many tracks, things included, go on over a hard cut, by more than a cut may lie beside the truth."""
    spans = tracks.groupby("track_id").frame.agg(["min", "max"]) - 1
    cuts = [shot.start for shot in truth.shots if shot.boundary == "cut"]
    return sum(any(a < cut - TOLERANCE and b >= cut + TOLERANCE for cut in cuts) for a, b in spans.to_numpy())


def _covered(pairs: Pairs, subset_of: Callable[[Pair], str]) -> Iterator[Score]:
    """The share of faces that were found, in each subset."""
    groups: dict[str, list[Pair]] = defaultdict(list)
    for pair in pairs.pairs:
        groups[subset_of(pair)].append(pair)
    for name in sorted(groups):
        yield share(PART, "found", *_found(groups[name]), name)


def _found(pairs: "list[Pair] | tuple[Pair, ...]") -> tuple[int, int]:
    return sum(pair.row is not None for pair in pairs), len(pairs)
