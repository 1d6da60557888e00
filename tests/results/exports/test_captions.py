"""Captions with the names of speakers: SubRip and WebVTT."""

import re

from vidlib.results.exports import subrip, webvtt
from vidlib.results.exports.webvtt import Caption
from vidlib.timeline import Turn, Turns

CAPTIONS = [
    Caption(0.0, 1.25, "L'été, 100 % & <fin>", "SPEAKER_00"),
    Caption(3599.9995, 3661.5, "Nobody known", None),
]


def test_subrip_numbers_the_captions_and_names_the_speaker(tmp_path):
    assert subrip.write(tmp_path / "a.srt", CAPTIONS).read_text(encoding="utf-8") == (
        "1\n00:00:00,000 --> 00:00:01,250\nSPEAKER_00: L'été, 100 % & <fin>\n\n"
        "2\n01:00:00,000 --> 01:01:01,500\nNobody known\n"
    )


def test_webvtt_has_the_speaker_as_voice(tmp_path):
    path = webvtt.write_captions(tmp_path / "a.vtt", CAPTIONS)
    assert re.findall(r"^<v ([^>]+)>(.*)$", path.read_text(encoding="utf-8"), re.MULTILINE) == [
        ("SPEAKER_00", "L'été, 100 % &amp; &lt;fin&gt;")
    ]
    assert [text for _, _, text in webvtt.read(path)] == [caption.text for caption in CAPTIONS]


def test_a_caption_belongs_to_the_one_who_speaks_longest_in_it():
    turns = Turns([Turn(0.0, 1.0, "A"), Turn(0.8, 3.0, "B")])
    cues = [(0.0, 1.5, "first"), (1.0, 2.0, "second"), (4.0, 5.0, "third")]
    assert [caption.speaker for caption in webvtt.with_speakers(cues, turns)] == ["A", "B", None]


def test_no_caption_is_a_file_without_captions(tmp_path):
    assert subrip.write(tmp_path / "a.srt", []).read_text() == ""
