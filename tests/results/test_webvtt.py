"""WebVTT: what players read, whatever is said."""

import pytest

from vidlib.errors import BrokenOutput
from vidlib.results.exports import webvtt


def test_what_is_said_stands_with_its_times(tmp_path):
    path = webvtt.write(tmp_path / "speech.vtt", [(0.0, 1.25, "Hello."), (3600.0, 3601.0, "Später")])
    assert path.read_text(encoding="utf-8") == (
        "WEBVTT\n\n00:00:00.000 --> 00:00:01.250\nHello.\n\n01:00:00.000 --> 01:00:01.000\nSpäter\n"
    )


def test_text_cannot_be_taken_for_tags_or_times(tmp_path):
    path = webvtt.write(tmp_path / "speech.vtt", [(0.0, 1.0, "a <b> & 00:00 --> 00:01")])
    assert path.read_text().splitlines()[3] == "a &lt;b&gt; &amp; 00:00 --&gt; 00:01"


def test_nothing_said_is_a_file_without_cues(tmp_path):
    assert webvtt.write(tmp_path / "speech.vtt", []).read_text() == "WEBVTT\n"


def test_what_was_written_is_read_again(tmp_path):
    cues = [(0.0, 1.25, "Ist das <wahr> & klar?"), (3661.5, 3662.0, "Ja.")]
    assert webvtt.read(webvtt.write(tmp_path / "a.vtt", cues)) == cues
    assert webvtt.read(webvtt.write(tmp_path / "none.vtt", [])) == []


def test_captions_of_other_programs_are_read_without_their_tags_and_notes(tmp_path):
    file = tmp_path / "other.vtt"
    cue = "1\r\n00:01.000 --> 00:02.500 line:0\r\n<v Anna>Two\r\nlines\r\n"
    file.write_text(f"WEBVTT - made elsewhere\r\n\r\nNOTE nothing\r\n\r\n{cue}")
    assert webvtt.read(file) == [(1.0, 2.5, "Two lines")]


def test_what_is_no_webvtt_is_refused(tmp_path):
    (tmp_path / "a.vtt").write_text("1\n00:00:01,000 --> 00:00:02,000\nSubRip\n")
    with pytest.raises(BrokenOutput, match="WEBVTT"):
        webvtt.read(tmp_path / "a.vtt")
