"""The window of another shape: it shows who speaks, jumps only for another speaker, and glides only after a face."""

from itertools import pairwise, product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.results.exports.test_after_effects import face
from vidlib.corrections.actions import SetFraming
from vidlib.errors import UsageError
from vidlib.results.exports.boxes import Box
from vidlib.results.reframing.framing import Area, Framing, fastest, parse_aspect, window_size
from vidlib.results.reframing.plan import plan
from vidlib.results.reframing.windows import SWITCH_COST, viterbi
from vidlib.timeline import Shot, Span

WIDTH, HEIGHT = 1280, 720
WHOLE = Area(0, 0, WIDTH, HEIGHT)
WINDOW = window_size(WHOLE, (9, 16))[0]


def framings(
    frames: list[list[Box]],
    shots: list[Shot] | None = None,
    picture: Area = WHOLE,
    aspect: tuple[int, int] = (9, 16),
    decisions: tuple[SetFraming, ...] = (),
) -> list[Framing]:
    shots = shots or [Shot(Span(0, len(frames)))]
    return plan(shots, frames, [picture] * len(shots), aspect, decisions)


def jumps(framing: Framing) -> list[int]:
    return [segment.start for segment in framing.segments[1:]]


people = st.lists(
    st.tuples(
        st.integers(0, 1200), st.integers(20, 80), st.lists(st.booleans(), min_size=4, max_size=4), st.integers(-9, 9)
    ),
    min_size=1,
    max_size=4,
)


@given(people)
def test_the_window_stays_in_the_picture_glides_slowly_and_jumps_only_where_somebody_begins_to_speak(persons):
    frames = [
        [
            face(n, np.clip(x + speed * n, 0, 1200), speaks[n // 25], t, w)
            for t, (x, w, speaks, speed) in enumerate(persons)
        ]
        for n in range(100)
    ]
    frames = [[box._replace(speaker=None) for box in boxes] for boxes in frames]
    (framing,) = framings(frames)
    areas = framing.areas()
    assert len(areas) == 100
    assert all(area.left >= 0 and area.left + area.width <= WIDTH for area in areas)
    assert fastest([framing]) * 25 <= 0.2 * WIDTH
    onsets = [
        n for n in (0, 25, 50, 75) for _, _, speaks, _ in persons if speaks[n // 25] and not (n and speaks[n // 25 - 1])
    ]
    assert all(min((abs(jump - onset) for onset in onsets), default=99) <= 12 for jump in jumps(framing))


@given(st.integers(0, 1180), st.integers(20, 90))
def test_a_speaker_alone_is_always_whole(x, width):
    (framing,) = framings([[face(n, x, True, 1, width)] for n in range(30)])
    area = framing.areas()[0]
    assert framing.kind == "static"
    assert area.left <= max(0, x) and min(WIDTH, x + width) <= area.left + WINDOW


def test_the_window_goes_to_the_next_speaker_and_ignores_an_interjection():
    turns = np.repeat([1, 2, 1, 2], [50, 50, 10, 40])
    frames = [[face(n, 100, turns[n] == 1, 1), face(n, 1100, turns[n] == 2, 2)] for n in range(150)]
    frames = [[box._replace(speaker=None) for box in boxes] for boxes in frames]
    (framing,) = framings(frames)
    assert framing.kind == "switch"
    assert [44 <= jump <= 50 for jump in jumps(framing)] == [True]  # a moment before the first word
    assert [segment.keys[0][1] > WIDTH // 2 for segment in framing.segments] == [False, True]


def test_a_face_that_walks_through_the_picture_is_followed_with_eased_motion():
    places = np.interp(np.arange(200), [40, 160], [100, 1080])
    frames = [[face(n, places[n], True)] for n in range(200)]
    (framing,) = framings(frames)
    assert (framing.kind, framing.why, jumps(framing)) == ("pan", "speaker", [])
    areas = framing.areas()
    inside = [area.left <= x and x + 100 <= area.left + area.width for area, x in zip(areas, places, strict=True)]
    assert np.mean(inside) >= 0.97
    assert fastest([framing]) * 25 <= 0.2 * WIDTH
    speed = np.diff(framing.centres())
    assert np.abs(np.diff(speed)).max() < 2  # of up to ten pixels a frame: it neither starts nor stops at once


def test_a_face_wider_than_the_window_shows_the_whole_picture():
    (framing,) = framings([[face(n, 300, True, width=600)] for n in range(30)])
    assert (framing.kind, framing.why, framing.areas()[0]) == ("fit", "too wide", WHOLE)


@given(st.lists(st.lists(st.floats(0, 30), min_size=3, max_size=3), min_size=1, max_size=6), st.data())
def test_no_other_path_is_worth_more(rows, data):
    rewards = np.array(rows)
    may_change = np.array(data.draw(st.lists(st.booleans(), min_size=len(rows), max_size=len(rows))))
    costs = np.full((3, 3), SWITCH_COST)
    costs[0, 2] = costs[2, 0] = np.inf
    np.fill_diagonal(costs, 0)

    def worth(path: tuple[int, ...]) -> float:
        steps = [(a, b, may_change[n]) for n, (a, b) in enumerate(pairwise(path), 1)]
        if any(a != b and not free for a, b, free in steps):
            return -np.inf
        return rewards[range(len(path)), path].sum() - sum(costs[a, b] for a, b, _ in steps)

    best = max(map(worth, product(range(3), repeat=len(rows))))
    assert abs(worth(tuple(viterbi(rewards, costs, may_change))) - best) < 1e-6


def test_brief_faces_do_not_count_and_objects_only_without_faces():
    brief = [face(n, 1100, True) for n in range(5)]
    dogs = [Box(n, 9, "dog", 0.8, 200, 300, 100, 100, False, None) for n in range(30)]
    shots = [Shot(Span(0, 30)), Shot(Span(30, 60)), Shot(Span(60, 90))]
    faces = [face(n, 300, width=200) for n in range(60, 90)]
    first, second, third = framings([[*brief, *dogs], faces], shots)
    assert first.why == "object"
    assert (second.segments[0].keys, second.why) == (((30, 640),), "middle")
    assert (third.segments[0].keys, third.why) == (((60, 400),), "faces")


def test_bars_are_cut_off_and_the_window_is_as_high_as_the_picture():
    picture = Area(160, 90, 960, 540)
    (framing,) = framings([[face(n, 170, True)] for n in range(30)], picture=picture)
    assert framing.areas()[0] == Area(160, 90, 304, 540)


@pytest.mark.parametrize("aspect", ["1:1", "4:5", "16:9", "9:16"])
def test_a_window_of_any_shape_holds_the_face_also_in_a_vertical_video(aspect):
    picture = Area(0, 0, 720, 1280)
    low = [[face(n, 300, True)._replace(y=1000.0)] for n in range(30)]
    (framing,) = framings(low, picture=picture, aspect=parse_aspect(aspect))
    area = framing.areas()[0]
    assert area.width / area.height == pytest.approx(int(aspect.split(":")[0]) / int(aspect.split(":")[1]), rel=0.01)
    assert area.left <= 300 and area.left + area.width >= 400
    assert area.top <= 1000 and 1120 <= area.top + area.height <= 1280


def test_what_a_person_decided_wins_and_the_last_decision_of_a_shot_counts():
    shots = [Shot(Span(0, 30)), Shot(Span(30, 60)), Shot(Span(60, 90))]
    frames = [[face(n, 100, True)] for n in range(90)]
    decisions = (
        SetFraming(frame=10, centre=1000),
        SetFraming(frame=29, centre=900),
        SetFraming(frame=40),
        SetFraming(frame=500, centre=3),
    )
    first, second, third = framings(frames, shots, decisions=decisions)
    assert (first.kind, first.by_person, first.segments[0].keys) == ("static", True, ((0, 900),))
    assert (second.kind, second.by_person, second.areas()[0]) == ("fit", True, WHOLE)
    assert not third.by_person
    (edge,) = framings(frames[:30], decisions=(SetFraming(frame=0, centre=5),))
    assert edge.areas()[0].left == 0


@pytest.mark.parametrize("text", ["", "9", "9:0", "-9:16", "9:16:1", "a:b", "1:5", "9.5:16"])
def test_an_impossible_shape_is_refused(text):
    with pytest.raises(UsageError, match="expected W:H, such as 9:16"):
        parse_aspect(text)
