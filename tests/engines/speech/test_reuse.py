"""Which voices in overlapping windows share one voice print."""

from hypothesis import given
from hypothesis import strategies as st

from vidlib.engines.speech.diarization.reuse import SAME, whose_prints

LENGTH, STEP = 100, 10
"""Frames of a window, and from one to the next."""

turns = st.lists(st.tuples(st.integers(0, 200), st.integers(1, 80)), min_size=1, max_size=6)
"""When people speak, one after another: the pause before each turn, and its length, in frames."""


def heard(lengths: list[tuple[int, int]]) -> tuple[list[range], list[int]]:
    """Each turn in each window that hears some of it: those frames, and the window."""
    stretches, windows, start, spoken = [], [], 0, []
    for pause, length in lengths:
        spoken.append(range(start + pause, start + pause + length))
        start = spoken[-1].stop
    for window in range(start // STEP + 1):
        for turn in spoken:
            part = range(max(turn.start, window * STEP), min(turn.stop, window * STEP + LENGTH))
            if part:
                stretches.append(part)
                windows.append(window)
    return stretches, windows


def test_a_turn_that_ten_windows_hear_whole_is_printed_once() -> None:
    assert whose_prints([range(90, 100)] * 10, list(range(10))) == [0] * 10


def test_whoever_speaks_on_is_printed_again_as_soon_as_most_is_new() -> None:
    stretches = [range(10 * window, 10 * window + 100) for window in range(9)]
    whose = whose_prints(stretches, list(range(9)))
    assert whose == [0, 0, 0, 0, 4, 4, 4, 4, 8]


def test_of_two_that_are_alike_the_more_alike_serves() -> None:
    assert whose_prints([range(8), range(8, 20), range(7, 20)], [0, 0, 1]) == [0, 1, 1]


def test_a_voice_two_windows_ago_is_not_asked() -> None:
    assert whose_prints([range(9), range(9)], [0, 2]) == [0, 1]


def test_nobody_is_like_nobody() -> None:
    assert whose_prints([(), ()], [0, 1]) == [0, 1]


@given(turns)
def test_who_serves_has_a_print_and_has_heard_most_of_it(lengths: list[tuple[int, int]]) -> None:
    stretches, windows = heard(lengths)
    whose = whose_prints(stretches, windows)
    for number, serves in enumerate(whose):
        mine, theirs = set(stretches[number]), set(stretches[serves])
        assert whose[serves] == serves
        assert len(mine & theirs) > SAME * len(mine | theirs)


@given(turns)
def test_two_voices_of_a_window_never_share_a_print(lengths: list[tuple[int, int]]) -> None:
    stretches, windows = heard(lengths)
    used = list(zip(windows, whose_prints(stretches, windows), strict=True))
    assert len(set(used)) == len(used)
