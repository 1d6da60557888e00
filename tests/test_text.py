"""Foreign text in a message: it can neither forge a line nor command a terminal, whoever shows it."""

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vidlib.text import one_line, path_text, printable

ANY_TEXT = st.text(st.characters(exclude_categories=()))


@given(st.one_of(ANY_TEXT, st.binary()))
def test_printable_text_has_only_visible_characters_and_can_be_encoded(text):
    shown = printable(text)
    assert shown.isprintable()
    shown.encode()


@given(ANY_TEXT, st.integers(1, 50))
def test_one_line_is_one_short_visible_line(text, max_chars):
    line = one_line(text, max_chars)
    assert line.isprintable()
    assert len(line) <= max_chars + 1
    assert "  " not in line


@pytest.mark.parametrize("char", ["\n", "\r", "\x1b", "\x07", "\x9b", "\u202e", "\u2028", "\u200b", "\u00a0", "\udce9"])
def test_what_ends_a_line_turns_text_or_commands_a_terminal_is_replaced(char):
    assert printable(f"a{char}b") == "a_b"
    assert one_line(f"a{char}b", 10) == "a b"


def test_visible_text_of_every_script_stays():
    text = "映画 für Zoë — Łódź 🎬.mp4"
    assert printable(text) == one_line(text, 100) == text


def test_a_path_that_is_not_utf_8_is_text_that_tells_it_from_others():
    first, second = (Path(os.fsdecode(name)) for name in (b"caf\xe9", b"caf\xe8"))
    assert path_text(first).encode() == rb"caf\xe9"
    assert path_text(first) != path_text(second)
