"""The vertical window: it shows who speaks, and jumps only for another speaker."""

from itertools import product

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from tests.results.exports.test_after_effects import face
from vidlib.results import vertical
from vidlib.results.exports.boxes import Box
from vidlib.timeline import Shot, Span

WIDTH, HEIGHT = 1280, 720
WINDOW = vertical.window_width(WIDTH, HEIGHT)


def windows(frames: list[list[Box]], shots: list[Shot] | None = None) -> list[vertical.Window]:
    return vertical.windows(shots or [Shot(Span(0, len(frames)))], frames, WIDTH, HEIGHT)


def left_edges(keys: tuple[tuple[int, int], ...], n_frames: int) -> np.ndarray:
    """The left edge of the window in each frame."""
    starts = [frame for frame, _ in keys]
    return np.array([keys[i][1] for i in np.searchsorted(starts, range(n_frames), "right") - 1]) - WINDOW // 2


people = st.lists(
    st.tuples(st.integers(0, 1200), st.integers(20, 80), st.lists(st.booleans(), min_size=4, max_size=4)),
    min_size=1,
    max_size=4,
)


@given(people)
def test_the_window_stays_in_the_picture_and_rests_a_second_and_a_half(persons):
    frames = [
        [face(n, x, speaks[n // 25], track, width) for track, (x, width, speaks) in enumerate(persons)]
        for n in range(100)
    ]
    (window,) = windows(frames)
    starts = [frame for frame, _ in window.keys]
    assert starts[0] == 0
    assert np.diff([*starts]).min(initial=99) >= 19  # it pays only where a speaker comes into view for longer
    edges = left_edges(window.keys, 100)
    assert ((edges >= 0) & (edges + WINDOW <= WIDTH)).all()


@given(st.integers(0, 1180), st.integers(20, 90))
def test_a_speaker_alone_is_always_whole(x, width):
    (window,) = windows([[face(n, x, True, 1, width)] for n in range(30)])
    left = window.keys[0][1] - WINDOW // 2
    assert window.kind == "static"
    assert left <= max(0, x) and min(WIDTH, x + width) <= left + WINDOW


def test_the_window_goes_to_the_next_speaker_and_ignores_an_interjection():
    turns = np.repeat([1, 2, 1, 2], [50, 50, 10, 40])
    frames = [[face(n, 100, turns[n] == 1, 1), face(n, 1100, turns[n] == 2, 2)] for n in range(150)]
    (window,) = windows(frames)
    assert window.kind == "switch"
    assert [frame for frame, _ in window.keys] == [0, 50]
    assert [centre > WIDTH // 2 for _, centre in window.keys] == [False, True]


@given(st.lists(st.lists(st.floats(0, 30), min_size=3, max_size=3), min_size=1, max_size=6))
def test_no_other_path_is_worth_more(rows):
    rewards = np.array(rows)

    def worth(path: tuple[int, ...]) -> float:
        return rewards[range(len(path)), path].sum() - vertical.SWITCH_COST * np.count_nonzero(np.diff(path))

    best = max(map(worth, product(range(3), repeat=len(rows))))
    assert abs(worth(tuple(vertical._viterbi(rewards))) - best) < 1e-6


def test_brief_faces_do_not_count_and_objects_only_without_faces():
    brief = [face(n, 1100, True) for n in range(5)]
    dogs = [Box(n, 9, "dog", 0.8, 200, 300, 100, 100, False, None) for n in range(30)]
    shots = [Shot(Span(0, 30)), Shot(Span(30, 60)), Shot(Span(60, 90))]
    wide = [face(n, 300, width=600) for n in range(60, 90)]
    first, second, third = windows([[*brief, *dogs], wide], shots)
    assert first.why == "object"
    assert (second.keys, second.why) == (((30, 640),), "middle")
    assert (third.keys, third.why) == (((60, 600),), "faces")
