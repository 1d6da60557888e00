"""The transcript of a video as files: a table of words for analysts, captions for players and editors."""

from collections.abc import Sequence
from pathlib import Path

from vidlib.results.exports import captions, subrip, webvtt, words_table
from vidlib.timeline import Word


def write(folder: Path, words: Sequence[Word], language: str) -> dict[str, Path]:
    """Write ``words`` in three forms: ``{"words": Parquet, "captions": WebVTT, "subtitles": SubRip}``; none, no files.

    ``language`` is the code of the language, such as ``fr``.
    """
    if not words:
        return {}
    lines = captions.from_words(words)
    return {
        "words": words_table.write(folder / "words.parquet", words, language),
        "captions": webvtt.write_captions(folder / "speech.vtt", lines),
        "subtitles": subrip.write(folder / "speech.srt", lines),
    }
