"""Reuse of speaker embeddings: overlapping windows hear the same speech again, and one embedding serves all of them."""

from collections.abc import Hashable, Iterable, Sequence

MIN_IOU = 0.5
"""Two stretches of speech share an embedding if their intersection over union exceeds this.

Two speakers of one window never share that much with one stretch, unless they talk at once.
"""


def embedding_sources(stretches: Sequence[Iterable[Hashable]], windows: Sequence[int]) -> list[int]:
    """For each stretch of speech, the index of the stretch whose embedding it uses: mostly its own.

    ``stretches`` are the frames of one speaker in one window, under any names that are the same in all windows.
    ``windows`` has the window of each, in rising order. A stretch is compared with those of the window before that
    have an embedding of their own. So a speaker who talks on gets a new one as soon as most frames are new.

    >>> embedding_sources([range(0, 4), range(0, 4), range(5, 9), range(2, 9)], [0, 1, 1, 2])
    [0, 0, 2, 2]
    """
    frames = [frozenset(stretch) for stretch in stretches]
    sources: list[int] = []
    for index, window in enumerate(windows):
        candidates = {sources[earlier] for earlier in range(index) if windows[earlier] == window - 1}
        overlap = {source: _iou(frames[index], frames[source]) for source in sorted(candidates)}
        best = max(overlap, key=overlap.__getitem__, default=index)
        sources.append(best if overlap.get(best, 0) > MIN_IOU else index)
    return sources


def _iou(a: frozenset[Hashable], b: frozenset[Hashable]) -> float:
    """Intersection over union, in [0, 1]; 0 where both are empty."""
    return len(a & b) / max(1, len(a | b))
