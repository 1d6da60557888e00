from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vidlib.timeline import FPS, Span, frame_at, relabel, seconds, spans_from_stops, tiles, timecode

n_frames = st.integers(1, 10_000)
rates = st.sampled_from([Fraction(24000, 1001), Fraction(24), FPS, Fraction(30000, 1001), Fraction(50)])


@given(n_frames, st.data())
def test_spans_cover_the_video_once(n, data):
    stops = data.draw(st.lists(st.integers(0, n - 1), max_size=20))
    spans = spans_from_stops(stops, n)
    assert tiles(spans, n)
    assert [frame for span in spans for frame in range(span.start, span.stop)] == list(range(n))
    assert set(stops) <= {span.stop - 1 for span in spans}


def test_gaps_overlaps_and_a_missing_end_are_no_tiling():
    assert not tiles([], 4)
    assert not tiles([Span(0, 2), Span(3, 4)], 4)
    assert not tiles([Span(0, 3), Span(2, 4)], 4)
    assert not tiles([Span(0, 3)], 4)
    assert not tiles([Span(1, 4)], 4)


@pytest.mark.parametrize(("start", "stop"), [(3, 3), (3, 2), (-1, 2)])
def test_an_empty_or_negative_span_is_refused(start, stop):
    with pytest.raises(ValueError, match=f"start={start}, stop={stop}"):
        Span(start, stop)


def test_a_span_knows_its_length_and_its_frames():
    span = Span(2, 5)
    assert len(span) == 3
    assert [frame in span for frame in (1, 2, 4, 5)] == [False, True, True, False]


@given(st.integers(0, 10_000_000), rates)
def test_a_frame_is_on_screen_when_it_begins_also_as_a_float(frame, fps):
    assert frame_at(seconds(frame, fps), fps) == frame
    assert frame_at(round(float(seconds(frame, fps)), 6), fps) == frame


@given(st.integers(0, 10_000_000))
def test_a_timecode_says_the_time_to_the_millisecond(frame):
    hours, minutes, rest = timecode(frame).split(":")
    assert int(hours) * 3600 + int(minutes) * 60 + Fraction(rest) == seconds(frame)


@given(st.integers(0, 23), st.integers(0, 59), st.integers(0, 59), rates, st.data())
def test_a_relabelled_timecode_is_valid_at_25_and_within_a_frame(hours, minutes, secs, fps, data):
    frame = data.draw(st.integers(0, round(fps) - 1))
    label = relabel(f"{hours:02}:{minutes:02}:{secs:02}:{frame:02}", fps)
    clock, _, number = label.rpartition(":")
    assert clock == f"{hours:02}:{minutes:02}:{secs:02}"
    assert abs(Fraction(int(number), 25) - Fraction(frame, round(fps))) < Fraction(1, 25)


@pytest.mark.parametrize("text", ["", "now", "00:00:00", "00:61:00:00", "00:00:00:00:00", "$(x)"])
def test_what_is_no_label_is_none(text):
    assert relabel(text, FPS) == ""
