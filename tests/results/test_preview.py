"""The preview: every frame of the video, with what was found drawn where it is."""

from itertools import pairwise

import numpy as np
import pytest

from tests import sample_media as made
from vidlib.plots import style
from vidlib.results import preview
from vidlib.results.exports.boxes import Box
from vidlib.results.exports.webvtt import Caption
from vidlib.timeline import Shot, Span, Turn

SHOTS = [Shot(Span(0, 30), "start"), Shot(Span(30, made.N_FRAMES), "dissolve", 0.5)]
WIDTH, HEIGHT = preview.copy_size(*made.SIZE)


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    return made.clip(tmp_path_factory.mktemp("preview") / "clip.mp4")


def drawn(clip, boxes=(), turns=(), captions=(), report=lambda done, total: None) -> list[np.ndarray]:
    results = preview.Results(SHOTS, iter(boxes), turns, captions, 90_000)
    return list(preview.pictures(clip, made.SIZE, results, report))


def differs(a: np.ndarray, b: np.ndarray, part: tuple[slice, slice]) -> bool:
    return bool(np.abs(a[part].astype(int) - b[part]).max() > 40)


def test_a_shot_is_marked_where_it_begins_in_the_colour_of_its_kind(clip):
    reports = []
    frames = drawn(clip, report=lambda *report: reports.append(report))
    assert len(frames) == made.N_FRAMES
    assert frames[0].shape == (HEIGHT, WIDTH, 3)
    assert reports[-1] == (made.N_FRAMES, made.N_FRAMES)
    dissolve = tuple(int(style.BOUNDARIES["dissolve"][i : i + 2], 16) for i in (1, 3, 5))
    marked = [n for n, frame in enumerate(frames) if tuple(frame[HEIGHT // 2, 2]) == dissolve]
    assert marked == list(range(30, made.N_FRAMES))[: preview.MARK_FRAMES]


def test_words_names_and_boxes_are_drawn_in_their_frames_alone(clip):
    plain = drawn(clip)
    boxes = [
        Box(n, 1, "face", 0.9, 0.3 * made.SIZE[0], 0.3 * made.SIZE[1], 20, 20, True, "SPEAKER_01") for n in (10, 11)
    ]
    captions = [
        Caption(0.8, 1.2, "A long line of words that " * 5 + "ends.", "SPEAKER_01"),
        Caption(1.2, 1.22, "short", None),
    ]
    frames = drawn(clip, boxes, [Turn(0.0, 0.4, "SPEAKER_01")], captions)
    upper, bottom = (
        (slice(HEIGHT // 5, HEIGHT // 2), slice(30, None)),
        (slice(HEIGHT * 3 // 4, HEIGHT - 8), slice(8, -8)),
    )
    assert [n for n in range(made.N_FRAMES) if differs(frames[n], plain[n], upper)] == [10, 11]
    # who speaks where there are no words, then the words; the second caption is shorter than a frame
    assert [n for n in range(made.N_FRAMES) if differs(frames[n], plain[n], bottom)] == [*range(10), *range(20, 31)]


def test_a_contact_sheet_says_how_a_shot_begins_who_speaks_and_what(clip):
    captions = [Caption(0.2, 1.0, "Bonsoir.", "SPEAKER_01")]
    results = preview.Results(SHOTS, (), [Turn(0.0, 1.3, "SPEAKER_01")], captions, 90_000)
    first, second = preview.stills(clip, results, "clip")
    assert (first.frame, first.caption, first.line) == (15, "01:00:00:00  clip 001", "start · SPEAKER_01: Bonsoir.")
    assert second.line == "dissolve · SPEAKER_01"


def test_many_shots_are_thinned_evenly(clip):
    shots = [Shot(Span(n, n + 1)) for n in range(1001)]
    stills = preview.stills(clip, preview.Results(shots, (), (), (), 0), "clip")
    assert len(stills) <= preview.MAX_STILLS
    assert {b.frame - a.frame for a, b in pairwise(stills)} == {6}
