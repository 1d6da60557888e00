from fractions import Fraction
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vidlib.timeline import (
    FPS,
    Segment,
    Span,
    Turn,
    Turns,
    frame_at,
    relabel,
    seconds,
    spans_from_frames,
    spans_from_stops,
    support,
    tiles,
    timecode,
)

n_frames = st.integers(1, 10_000)
spans = st.builds(lambda start, length: Span(start, start + length), st.integers(0, 50), st.integers(1, 20))
segments = st.builds(
    lambda start, length: Segment(start, start + length), st.floats(0, 50), st.floats(0.001, 20, exclude_min=True)
)
intervals = st.one_of(st.tuples(spans, spans, spans), st.tuples(segments, segments, segments))
turns = st.builds(
    lambda segment, speaker, confidence: Turn(*segment, speaker, confidence),
    segments,
    st.sampled_from("ABC"),
    st.floats(0, 1),
)
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


def test_a_span_has_a_length_and_contains_its_frames():
    span = Span(2, 5)
    assert len(span) == 3
    assert [frame in span for frame in (1, 2, 4, 5)] == [False, True, True, False]


@given(st.integers(0, 10_000_000), rates)
def test_a_frame_is_on_screen_when_it_begins_also_as_a_float(frame, fps):
    assert frame_at(seconds(frame, fps), fps) == frame
    assert frame_at(round(float(seconds(frame, fps)), 6), fps) == frame


@given(st.integers(0, 10_000_000))
def test_a_timecode_is_exact_to_the_millisecond(frame):
    hours, minutes, rest = timecode(frame).split(":")
    assert int(hours) * 3600 + int(minutes) * 60 + Fraction(rest) == seconds(frame)


@given(st.integers(0, 23), st.integers(0, 59), st.integers(0, 59), rates, st.data())
def test_a_relabelled_timecode_is_valid_at_25_and_within_a_frame(hours, minutes, secs, fps, data):
    frame = data.draw(st.integers(0, round(fps) - 1))
    label = relabel(f"{hours:02}:{minutes:02}:{secs:02}:{frame:02}", fps)
    clock, _, number = label.rpartition(":")
    assert clock == f"{hours:02}:{minutes:02}:{secs:02}"
    assert abs(Fraction(int(number), 25) - Fraction(frame, round(fps))) < Fraction(1, 25)


@pytest.mark.parametrize(
    "text", ["", "now", "00:00:00", "00:61:00:00", "00:00:00:00:00", "24:00:00:00", "\uff110:00:00:00"]
)
def test_other_text_is_no_timecode(text):
    assert relabel(text, FPS) == ""


def frames_of(spans: list[Span]) -> set[int]:
    return {frame for span in spans for frame in range(span.start, span.stop)}


@given(intervals)
def test_intersection_and_cover_are_commutative_associative_and_idempotent(three):
    a, b, c = three
    assert a & b == b & a
    assert a | b == b | a
    assert a & a == a | a == a
    assert (a | b) | c == a | (b | c)
    left, right = a & b, b & c
    assert (left and left & c) == (right and a & right)


@given(intervals)
def test_intersection_lies_within_both_and_the_cover_contains_both(three):
    a, b, _ = three
    both = a & b
    assert a.overlaps(b) == b.overlaps(a) == (both is not None)
    assert both is None or (both | a == a and both | b == b)
    assert (a | b) & a == a
    assert (a | b).duration_s >= max(a.duration_s, b.duration_s)


@given(spans, spans)
def test_spans_combine_like_sets_of_frames(a, b):
    assert frames_of([a & b] if a & b else []) == frames_of([a]) & frames_of([b])
    assert a.overlaps(b) == bool(frames_of([a]) & frames_of([b]))
    if a.gap_to(b) <= 0 and b.gap_to(a) <= 0:
        assert frames_of([a | b]) == frames_of([a]) | frames_of([b])


def test_spans_that_touch_do_not_overlap():
    assert not Span(0, 3).overlaps(Span(3, 5))
    assert Span(0, 3).gap_to(Span(3, 5)) == 0
    assert Span(0, 3) & Span(3, 5) is None


@given(st.lists(spans, max_size=12), st.integers(0, 5))
def test_support_covers_every_frame_and_closes_gaps_up_to_the_given_one(given_spans, gap):
    merged = support(given_spans, gap)
    assert frames_of(support(given_spans)) == frames_of(given_spans)
    assert frames_of(merged) >= frames_of(given_spans)
    assert all(before.gap_to(after) > gap for before, after in pairwise(merged))
    assert support(merged, gap) == merged
    assert merged == support(given_spans[::-1], gap)


@given(st.lists(segments, max_size=12), st.floats(0, 5))
def test_support_of_segments_covers_each_without_overlap(given_segments, gap_s):
    merged = support(given_segments, gap_s)
    assert all(any(part | segment == part for part in merged) for segment in given_segments)
    assert all(before.gap_to(after) > gap_s for before, after in pairwise(merged))
    assert support(merged, gap_s) == merged


@given(st.sets(st.integers(0, 60)), st.integers(0, 4))
def test_runs_of_frames_are_the_support_of_the_frames(frames, gap):
    assert spans_from_frames(frames, gap) == support([Span(frame, frame + 1) for frame in frames], gap)
    assert frames_of(spans_from_frames(frames)) == frames


@given(st.lists(turns, max_size=12), st.floats(0, 5))
def test_support_of_turns_merges_each_speaker_alone(given_turns, gap_s):
    merged = Turns(given_turns).support(gap_s)
    assert merged == sorted(merged)
    assert merged == merged.support(gap_s)
    assert merged.speakers == Turns(given_turns).speakers
    for speaker, before in Turns(given_turns).by_speaker().items():
        after = merged.by_speaker()[speaker]
        assert after.segments == support(before.segments, gap_s)
        assert min(turn.confidence for turn in after) == min(turn.confidence for turn in before)


@given(st.lists(turns, max_size=12))
def test_turns_by_speaker_are_all_turns_in_their_order(given_turns):
    by_speaker = Turns(given_turns).by_speaker()
    assert list(by_speaker) == sorted(by_speaker)
    assert all([turn for turn in given_turns if turn.speaker == name] == its for name, its in by_speaker.items())
    assert sum(map(len, by_speaker.values())) == len(given_turns)


def test_turns_of_two_speakers_combine_to_segments():
    first, second = Turn(0.0, 2.0, "A", 0.9), Turn(1.5, 3.0, "B")
    assert first & second == (1.5, 2.0)
    assert first | second == (0.0, 3.0)
    assert first.overlaps(second)
    assert not first.overlaps(Turn(2.0, 3.0, "B"))
    assert (first.duration_s, Turns([first, second]).duration_s) == (2.0, 3.5)


def test_the_dominant_speaker_has_the_most_speech_within_a_segment():
    turns = Turns([Turn(0, 4, "A"), Turn(3, 5, "B"), Turn(6, 6.5, "A"), Turn(5.5, 7, "B")])
    assert turns.dominant_speaker(Segment(0, 3.5)) == "A"
    assert turns.dominant_speaker(Segment(3.5, 7)) == "B"
    assert turns.dominant_speaker(Segment(8, 9)) is None


@given(st.dictionaries(st.sampled_from("ABC"), st.sets(st.integers(0, 40)), max_size=3))
def test_turns_from_frames_cover_exactly_those_frames(frames):
    turns = Turns.from_frames(frames)
    assert turns == turns.support() == sorted(turns)
    covered = {(turn.speaker, n) for turn in turns for n in range(frame_at(turn.start_s), frame_at(turn.stop_s))}
    assert covered == {(speaker, frame) for speaker, numbers in frames.items() for frame in numbers}


@given(spans)
def test_a_span_and_its_segment_have_the_same_duration(span):
    assert span.segment.start_s == float(seconds(span.start))
    assert span.segment.duration_s == pytest.approx(span.duration_s) == len(span) / 25
