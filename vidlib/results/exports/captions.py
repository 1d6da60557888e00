"""Words as captions: one or two lines that can be read while they are spoken, of one speaker each."""

from collections.abc import Iterable

from vidlib.results.exports.webvtt import Caption
from vidlib.timeline import Word

MAX_CHARACTERS = 84
"""Longest caption: two lines of 42 characters, as broadcasters set them (EBU, BBC and Netflix agree)."""

MAX_S = 7.0
"""Longest time on screen, in seconds (BBC and Netflix)."""

PAUSE_S = 0.8
"""A pause from this length on, in seconds, begins a new caption."""

ENDS = (".", "?", "!", "…", "。", "？", "！")
"""Signs after which a new caption begins, once the caption has `MIN_CHARACTERS`."""

MIN_CHARACTERS = 24
"""A shorter sentence shares its caption with the next one."""


def from_words(words: Iterable[Word]) -> list[Caption]:
    """The captions of ``words``, which are in order of time; the words of each speaker stay together."""
    captions: list[Caption] = []
    for word in words:
        if captions and _continues(captions[-1], word):
            last = captions[-1]
            stop_s = max(last.stop_s, word.stop_s)
            captions[-1] = Caption(last.start_s, stop_s, f"{last.text} {word.text}", last.speaker)
        else:
            captions.append(Caption(word.start_s, word.stop_s, word.text, word.speaker))
    return captions


def _continues(caption: Caption, word: Word) -> bool:
    return (
        caption.speaker == word.speaker
        and word.start_s - caption.stop_s < PAUSE_S
        and word.stop_s - caption.start_s <= MAX_S
        and len(caption.text) + 1 + len(word.text) <= MAX_CHARACTERS
        and not (caption.text.endswith(ENDS) and len(caption.text) >= MIN_CHARACTERS)
    )
