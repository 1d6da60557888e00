"""WebVTT: what players read, whatever is said."""

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
