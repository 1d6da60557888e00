"""RTTM: what is written is read again, by us and by the library that others use."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyannote.database.util import load_rttm

from vidlib.errors import BrokenOutput
from vidlib.results.exports import rttm
from vidlib.timeline import Turn

TURNS = [Turn(0.96, 2.12, "SPEAKER_00", 0.9352), Turn(2.0, 3.5, "SPEAKER_01", 0.5)]

milliseconds = st.integers(0, 36_000_000)
some_turns = st.lists(
    st.builds(
        lambda start, length, speaker, sure: Turn(
            start / 1000, (start + length) / 1000, f"SPEAKER_{speaker:02}", sure / 10_000
        ),
        milliseconds,
        st.integers(1, 600_000),
        st.integers(0, 30),
        st.integers(0, 10_000),
    )
)


def test_a_line_is_as_nist_describes_it(tmp_path):
    path = rttm.write(tmp_path / "speech.rttm", TURNS, "clip")
    assert path.read_text().splitlines()[0] == "SPEAKER clip 1 0.960 1.160 <NA> <NA> SPEAKER_00 0.9352 <NA>"


@given(turns=some_turns)
def test_what_is_written_is_read_again(tmp_path_factory, turns):
    path = tmp_path_factory.mktemp("rttm") / "speech.rttm"
    assert rttm.read(rttm.write(path, turns)) == turns


def test_others_read_the_same_turns(tmp_path):
    found = load_rttm(rttm.write(tmp_path / "speech.rttm", TURNS))["video"]
    turns = [(segment.start, round(segment.end, 3), who) for segment, _, who in found.itertracks(yield_label=True)]
    assert turns == [(turn.start_s, turn.stop_s, turn.speaker) for turn in TURNS]


def test_the_name_of_a_person_has_underscores_in_the_file_only(tmp_path):
    named = [Turn(0.0, 1.0, "Zoë de la Tour"), Turn(1.0, 2.0, "SPEAKER_01")]
    path = rttm.write(tmp_path / "speech.rttm", named)
    assert [line.split()[7] for line in path.read_text().splitlines()] == ["Zoë_de_la_Tour", "SPEAKER_01"]
    assert load_rttm(path)["video"].labels() == ["SPEAKER_01", "Zoë_de_la_Tour"]
    assert rttm.read(path) == named


def test_silence_is_an_empty_file(tmp_path):
    path = rttm.write(tmp_path / "speech.rttm", [])
    assert path.read_bytes() == b""
    assert rttm.read(path) == []


def test_files_of_others_without_confidence_are_read(tmp_path):
    path = tmp_path / "old.rttm"
    path.write_text("SPKR-INFO x 1 <NA> <NA> <NA> unknown A <NA>\nSPEAKER x 1 1.5 0.5 <NA> <NA> A <NA> <NA>\n")
    assert rttm.read(path) == [Turn(1.5, 2.0, "A", 1.0)]


@pytest.mark.parametrize(
    "line", ["SPEAKER x 1 0.5", "SPEAKER x 1 zero 1 <NA> <NA> A <NA> <NA>", "SPEAKER x 1 1 0 <NA> <NA> A <NA> <NA>"]
)
def test_a_damaged_line_is_named(tmp_path, line):
    path = tmp_path / "speech.rttm"
    path.write_text(f"{line}\n")
    with pytest.raises(BrokenOutput, match="line 1"):
        rttm.read(path)
