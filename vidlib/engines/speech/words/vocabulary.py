"""The vocabulary of Whisper: tokens that stand for bytes of text, and how they become words.

A file ``vocabulary.txt`` has one token a line, ``vocabulary.json`` is a list. Tokens are written as in GPT-2, each byte
as one printable character; special tokens look like ``<|en|>``.
"""

import functools
import json
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from vidlib.errors import WeightError

FILES = ("vocabulary.txt", "vocabulary.json")

WITHOUT_SPACES = frozenset({"zh", "ja", "th", "lo", "my", "yue"})
"""Languages that do not part words by spaces; every character there counts as a word."""

OPENING = frozenset('«“‘„([{¿¡"-–')
"""Signs that belong to the word after them, if they stand alone; others belong to the word before."""


class TokenSpan(NamedTuple):
    """One word, and its tokens from ``first`` to ``stop`` (not included)."""

    text: str
    first: int
    stop: int


class Vocabulary:
    """The tokens of a model, by their numbers."""

    def __init__(self, tokens: Sequence[str]):
        self._tokens = list(tokens)
        self._special = {token: number for number, token in enumerate(tokens) if re.fullmatch(r"<\|.*\|>", token)}

    @classmethod
    def read(cls, folder: Path) -> "Vocabulary":
        """The vocabulary of the model in ``folder``; raises WeightError if there is none."""
        for file in (folder / name for name in FILES):
            if file.is_file():
                text = file.read_text(encoding="utf-8")
                return cls(json.loads(text) if file.suffix == ".json" else text.removesuffix("\n").split("\n"))
        raise WeightError(f"{folder} has no {' or '.join(FILES)}; expected a Whisper model of CTranslate2")

    def number(self, special: str) -> int:
        """The number of a special token, such as ``<|transcribe|>``; raises WeightError if the model lacks it."""
        if special not in self._special:
            raise WeightError(f"the model has no token {special}; expected a Whisper model of several languages")
        return self._special[special]

    def has_language(self, language: str) -> bool:
        """Whether the model knows the language with this code, such as ``fr``."""
        return f"<|{language}|>" in self._special

    def is_text(self, number: int) -> bool:
        """Whether the token stands for text: the special ones come after all others."""
        return number < min(self._special.values(), default=len(self._tokens))

    def text(self, tokens: Sequence[int]) -> str:
        """The text of ``tokens``; bytes that are no UTF-8 become U+FFFD."""
        return b"".join(map(self._bytes, tokens)).decode("utf-8", "replace")

    def words(self, tokens: Sequence[int], language: str) -> list[TokenSpan]:
        """The words of ``tokens``, in order; together they have all tokens. Signs that stand alone join a word."""
        joined: list[TokenSpan] = []
        opening: TokenSpan | None = None
        for word in self._split(tokens, spaces=language not in WITHOUT_SPACES):
            if opening:
                word, opening = TokenSpan(opening.text + word.text.strip(), opening.first, word.stop), None
            if any(map(str.isalnum, word.text)) or (not joined and not _opens(word)):
                joined.append(word)
            elif _opens(word):
                opening = word
            else:
                last = joined.pop()
                joined.append(TokenSpan(last.text + word.text, last.first, word.stop))
        return [*joined, opening] if opening else joined

    def _split(self, tokens: Sequence[int], *, spaces: bool) -> Iterator[TokenSpan]:
        """Parts of whole characters; with ``spaces``, each part begins at a space."""
        first = 0
        for stop in range(1, len(tokens) + 1):
            text = self.text(tokens[first:stop])
            if stop < len(tokens) and (text.endswith("\ufffd") or (spaces and self._bytes(tokens[stop])[:1] != b" ")):
                continue
            yield TokenSpan(text, first, stop)
            first = stop

    def _bytes(self, number: int) -> bytes:
        return bytes(_byte_of_character()[character] for character in self._tokens[number])


def _opens(word: TokenSpan) -> bool:
    return word.text.strip() in OPENING


@functools.cache
def _byte_of_character() -> dict[str, int]:
    """The byte that each character of a token stands for: printable ones themselves, others from U+0100 on."""
    printable = {*range(ord("!"), ord("~") + 1), *range(ord("¡"), ord("¬") + 1), *range(ord("®"), ord("ÿ") + 1)}
    others = [byte for byte in range(256) if byte not in printable]
    return {chr(byte): byte for byte in printable} | {chr(256 + n): byte for n, byte in enumerate(others)}
