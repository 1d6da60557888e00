"""The table of shots: frame, seconds, time code, kind and confidence of each beginning."""

import csv

import pytest

from tests.results.exports.random_timelines import STARTS, random_timelines
from vidlib.results.exports import shots_tsv
from vidlib.timeline import Shot, Span

DAY = 24 * 3600 * 25


@pytest.mark.parametrize("start", STARTS.values(), ids=STARTS)
def test_no_frame_is_off(tmp_path, start):
    for timeline in random_timelines(start):
        shots = [clip.shot for clip in timeline.clips if clip.media == timeline.media[0]]
        with open(shots_tsv.write(tmp_path / "a.tsv", shots, start), newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file, dialect="excel-tab"))
        assert [int(row["frame"]) - 1 for row in rows] == [shot.span.start for shot in shots]
        assert [round(float(row["seconds"]) * 25) for row in rows] == [shot.span.start for shot in shots]
        assert [row["kind"] for row in rows] == [shot.boundary for shot in shots]
        assert [float(row["confidence"]) for row in rows] == [shot.confidence for shot in shots]
        for row, shot in zip(rows, shots, strict=True):
            hours, minutes, whole_s, rest = map(int, row["smpte"].split(":"))
            assert ((hours * 60 + minutes) * 60 + whole_s) * 25 + rest == (start + shot.span.start) % DAY


def test_the_form_of_a_row(tmp_path):
    shots = [Shot(Span(0, 30), "start"), Shot(Span(30, 40), "dissolve", 0.4, Span(25, 35))]
    assert shots_tsv.write(tmp_path / "a.tsv", shots, 2_159_999).read_text() == (
        "frame\tseconds\tsmpte\tkind\tconfidence\n"
        "1\t0.00\t23:59:59:24\tstart\t1.0000\n"
        "31\t1.20\t00:00:01:04\tdissolve\t0.4000\n"
    )
