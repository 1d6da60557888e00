"""Which stretches of speech in overlapping windows share one speaker embedding."""

from hypothesis import given
from hypothesis import strategies as st

from vidlib.engines.speech.diarization.reuse import MIN_IOU, embedding_sources

LENGTH, STEP = 100, 10
"""Frames of a window, and from one to the next."""

turns = st.lists(st.tuples(st.integers(0, 200), st.integers(1, 80)), min_size=1, max_size=6)
"""Turns one after another: the pause before each turn, and its length, in frames."""


def in_windows(lengths: list[tuple[int, int]]) -> tuple[list[range], list[int]]:
    """The frames of each turn in each window that overlaps it, and the window."""
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


def test_a_turn_within_ten_windows_has_one_embedding() -> None:
    assert embedding_sources([range(90, 100)] * 10, list(range(10))) == [0] * 10


def test_a_speaker_who_talks_on_gets_a_new_embedding_once_most_frames_are_new() -> None:
    stretches = [range(10 * window, 10 * window + 100) for window in range(9)]
    sources = embedding_sources(stretches, list(range(9)))
    assert sources == [0, 0, 0, 0, 4, 4, 4, 4, 8]


def test_of_two_candidates_the_one_that_shares_more_is_reused() -> None:
    assert embedding_sources([range(8), range(8, 20), range(7, 20)], [0, 0, 1]) == [0, 1, 1]


def test_an_embedding_of_two_windows_ago_is_not_reused() -> None:
    assert embedding_sources([range(9), range(9)], [0, 2]) == [0, 1]


def test_empty_stretches_share_nothing() -> None:
    assert embedding_sources([(), ()], [0, 1]) == [0, 1]


@given(turns)
def test_a_source_has_its_own_embedding_and_shares_most_frames(lengths: list[tuple[int, int]]) -> None:
    stretches, windows = in_windows(lengths)
    sources = embedding_sources(stretches, windows)
    for index, source in enumerate(sources):
        frames, others = set(stretches[index]), set(stretches[source])
        assert sources[source] == source
        assert len(frames & others) > MIN_IOU * len(frames | others)


@given(turns)
def test_two_speakers_of_a_window_never_share_an_embedding(lengths: list[tuple[int, int]]) -> None:
    stretches, windows = in_windows(lengths)
    used = list(zip(windows, embedding_sources(stretches, windows), strict=True))
    assert len(set(used)) == len(used)
