"""Windows overlap, so that most of them hear again what the one before has heard: one voice print serves both."""

from collections.abc import Hashable, Iterable, Sequence

SAME = 0.5
"""Two stretches of sound have one print if they share more than this of all that they cover together.

Two voices of one window never share that much with one stretch, unless they speak at once.
"""


def whose_prints(stretches: Sequence[Iterable[Hashable]], windows: Sequence[int]) -> list[int]:
    """For each voice in a window the number of the one whose print is its own as well: mostly its own number.

    ``stretches`` are the frames in which each voice speaks, any names for them, the same in all windows; ``windows``
    say, in order, in which window that is. Only voices of neighbouring windows are compared, and only with those that
    have a print of their own: who speaks on is printed again as soon as most of it is new.

    >>> whose_prints([range(0, 4), range(0, 4), range(5, 9), range(2, 9)], [0, 1, 1, 2])
    [0, 0, 2, 2]
    """
    frames = [frozenset(stretch) for stretch in stretches]
    whose: list[int] = []
    for number, window in enumerate(windows):
        before = {whose[earlier] for earlier in range(number) if windows[earlier] == window - 1}
        shared = {earlier: _shared(frames[number], frames[earlier]) for earlier in sorted(before)}
        most = max(shared, key=shared.__getitem__, default=number)
        whose.append(most if shared.get(most, 0) > SAME else number)
    return whose


def _shared(some: frozenset[Hashable], others: frozenset[Hashable]) -> float:
    """Intersection over union, in [0, 1]; of nothing with nothing 0."""
    return len(some & others) / max(1, len(some | others))
