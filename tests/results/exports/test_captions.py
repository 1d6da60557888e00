"""Captions with the names of speakers: SubRip and WebVTT."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vidlib.errors import BrokenOutput
from vidlib.results import transcript_html
from vidlib.results.exports import captions, subrip, webvtt, words_table
from vidlib.results.exports.webvtt import Caption
from vidlib.timeline import Turn, Turns, Word

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


def spoken(text: str, speaker: str | None = "A", start_s: float = 0.0) -> list[Word]:
    """The words of ``text``, one every 0.3 s."""
    return [
        Word(start_s + 0.3 * n, start_s + 0.3 * n + 0.25, word, speaker, 0.9) for n, word in enumerate(text.split())
    ]


@given(st.lists(st.tuples(st.text("ab.", min_size=1, max_size=12), st.sampled_from(["A", "B", None]), st.floats(0, 3))))
def test_captions_have_every_word_once_and_stay_readable(rows):
    words, at_s = [], 0.0
    for text, speaker, pause_s in rows:
        words.append(Word(at_s, at_s + 0.2, text, speaker))
        at_s += 0.2 + pause_s
    lines = captions.from_words(words)
    assert " ".join(line.text for line in lines).split() == [word.text for word in words]
    for line in lines:
        assert len(line.text) <= captions.MAX_CHARACTERS
        assert line.stop_s - line.start_s <= captions.MAX_S
        assert {word.speaker for word in words if line.start_s <= word.start_s < line.stop_s} == {line.speaker}


def test_a_new_caption_begins_after_a_sentence_a_pause_and_with_another_speaker():
    words = [
        *spoken("Nobody ever tells me anything. Yes. So it is,"),
        *spoken("indeed.", start_s=9.0),
        *spoken("No.", "B", start_s=9.4),
    ]
    assert [(line.text, line.speaker) for line in captions.from_words(words)] == [
        ("Nobody ever tells me anything.", "A"),
        ("Yes. So it is,", "A"),
        ("indeed.", "A"),
        ("No.", "B"),
    ]


def test_a_table_of_words_returns_them_with_their_language(tmp_path):
    words = [*spoken("l'été, 100 %"), Word(3.0, 3.5, "hm")]
    path = words_table.write(tmp_path / "words.parquet", words, "fr")
    assert (words_table.read(path), words_table.read_language(path)) == (words, "fr")
    (tmp_path / "other.parquet").write_text("no table")
    with pytest.raises(BrokenOutput, match="not a table of words"):
        words_table.read(tmp_path / "other.parquet")


def test_words_follow_corrected_turns():
    turns = Turns([Turn(0.0, 0.3, "C"), Turn(0.5, 2.0, "A"), Turn(0.5, 2.0, "B")])
    corrected = words_table.with_speakers(spoken("one two three four"), turns)
    assert [word.speaker for word in corrected] == ["C", "A", "A", "A"]


def test_a_page_of_the_text_escapes_it_and_marks_unsure_words():
    words = [Word(61.0, 61.5, "<b>", "A", 0.9), Word(61.5, 62.0, "perhaps", "A", 0.31), Word(70.0, 71.0, "no", None)]
    rows = transcript_html.paragraphs(words)
    assert [(row.speaker, len(row.words)) for row in rows] == [("A", 2), (None, 1)]
    page = transcript_html.render(rows, {"A": "#123456"})
    assert "1:01" in page
    assert '&lt;b&gt; <u title="31 %">perhaps</u>' in page
    assert "unknown" in page
