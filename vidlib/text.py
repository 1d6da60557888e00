"""Text for people: sizes, and foreign text made safe to show.

Names, links and messages from outside may hold commands for a terminal or new lines. Every such text passes through
this module before it enters a log, a message, an e-mail or a page.
"""

import math
import os
import re
from pathlib import Path

TERMINAL_SEQUENCE = re.compile(r"\x1b(\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(\x07|\x1b\\)|[@-Z\\^_])")
"""What a terminal obeys instead of showing it: colours, movements of the cursor, titles (ECMA-48)."""

COLOUR = re.compile(r"(\x1b\[[0-9;]*m)")
"""What changes the colour or the weight of the text that follows."""

SHA256_START = re.compile(r"[0-9a-f]{4,64}", re.IGNORECASE)

BYTE_UNITS = ("B", "kB", "MB", "GB", "TB")


def format_bytes(size: float) -> str:
    """Format a number of bytes in a fitting unit.

    >>> format_bytes(320), format_bytes(4_200_000)
    ('320 B', '4.2 MB')
    """
    power = min(int(math.log10(max(size, 1))) // 3, len(BYTE_UNITS) - 1)
    return f"{size / 1000**power:.{min(power, 1)}f} {BYTE_UNITS[power]}"


def printable(text: str | bytes, replacement: str = "_", *, keep: str = "") -> str:
    """Return ``text`` with ``replacement`` for each character that is invisible or controls the text around it.

    These are the characters for which `str.isprintable` is false: control and format characters, line ends, unpaired
    surrogates, and all spaces but the plain one. The characters in ``keep`` stay. Bytes are read as UTF-8.

    >>> printable("new\\nline \\x1b[31mred"), printable(b"caf\\xe9")
    ('new_line _[31mred', 'caf�')
    """
    text = text.decode(errors="replace") if isinstance(text, bytes) else text
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() or char in keep else replacement for char in text)


def one_line(text: str | bytes, max_chars: int) -> str:
    """Return ``text`` as one printable line without repeated spaces, cut after ``max_chars`` characters.

    >>> one_line("no\\r\\n  space\\tleft on the disk", max_chars=13)
    'no space left…'
    """
    line = " ".join(printable(text, " ").split())
    return line if len(line) <= max_chars else f"{line[:max_chars]}…"


def plain_message(text: str | bytes) -> str:
    """Return a message from outside as one printable line, without what controls a terminal.

    >>> plain_message("\\x1b[31mno space\\x1b[0m\\n  left on\\tthe disk\\n")
    'no space | left on the disk'
    """
    text = text.decode(errors="replace") if isinstance(text, bytes) else text
    lines = (" ".join(printable(line, " ").split()) for line in TERMINAL_SEQUENCE.sub("", text).splitlines())
    return " | ".join(filter(None, lines))


def coloured_line(text: str, max_chars: int) -> str:
    """Return one line that keeps the colours of a terminal and loses all else that controls one, cut if it is longer.

    >>> coloured_line("\\x1b[31mno space\\x1b[0m\\x1b[2K\\ton the disk", max_chars=99)
    '\\x1b[31mno space\\x1b[0m on the disk'
    """
    parts = COLOUR.split(text if len(text) <= max_chars else f"{text[:max_chars]}…")
    return "".join(
        part if number % 2 else printable(TERMINAL_SEQUENCE.sub("", part), " ") for number, part in enumerate(parts)
    )


def sha256_start(text: str) -> str | None:
    """The beginning of a SHA-256, at least 4 hex digits, in lower case; None for any other text.

    >>> sha256_start("3FA9c2"), sha256_start("film")
    ('3fa9c2', None)
    """
    return text.lower() if SHA256_START.fullmatch(text) else None


def path_text(path: Path) -> str:
    """Return ``path`` as text that UTF-8 can encode: a byte that is not UTF-8 becomes an escape such as ``\\xe9``.

    Two different paths may give the same text only if one of them contains such an escape literally.

    >>> path_text(Path(os.fsdecode(b"caf\\xe9.mp4")))
    'caf\\\\xe9.mp4'
    """
    return os.fsencode(path).decode(errors="backslashreplace")
