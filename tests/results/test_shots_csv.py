"""The shot list for editors, byte for byte."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vidlib.errors import BrokenOutput
from vidlib.results.exports import shots_csv
from vidlib.timeline import Span, spans_from_stops


def test_its_bytes_are_those_that_editors_know(tmp_path):
    path = shots_csv.write(tmp_path / "shots.csv", [Span(0, 144), Span(144, 90_001)])
    assert path.read_bytes() == (
        b"No,Timecode In,Timecode Out,Frame In,Frame Out\r\n"
        b"1,00:00:00.000,00:00:05.720,1,144\r\n"
        b"2,00:00:05.760,01:00:00.000,145,90001\r\n"
    )


@given(stops=st.sets(st.integers(0, 200_000)), more=st.integers(1, 1000))
def test_what_is_written_is_read(tmp_path_factory, stops, more):
    spans = spans_from_stops(stops, max(stops, default=0) + more)
    path = shots_csv.write(tmp_path_factory.getbasetemp() / "shots.csv", spans)
    assert shots_csv.read(path) == spans


def test_a_spreadsheet_may_have_saved_it_again(tmp_path):
    path = shots_csv.write(tmp_path / "shots.csv", [Span(0, 5)])
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes().replace(b"\r\n", b"\n"))
    assert shots_csv.read(path) == [Span(0, 5)]


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("Frame In", "Start", "columns are"),
        ("1,144", "1,", "row 1 is not a shot"),
        ("1,144", "145,144", "row 1 is not a shot"),
        ("05.720", "05.760", "row 1 has"),
        (",1,144", "", "row 1 is not a shot"),
    ],
)
def test_a_damaged_list_is_named(tmp_path, old, new, message):
    path = shots_csv.write(tmp_path / "shots.csv", [Span(0, 144)])
    path.write_text(path.read_text().replace(old, new, 1))
    with pytest.raises(BrokenOutput, match=message):
        shots_csv.read(path)
