"""The documents, and what they show as code: blocks, and commands, options and files in running text."""

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from vidlib.settings import REPOSITORY

DOCUMENTS = [
    *(REPOSITORY / name for name in ("README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "SECURITY.md")),
    REPOSITORY / "benchmarks" / "README.md",
    *sorted((REPOSITORY / "docs").rglob("*.md")),
]
LANGUAGES = {"python", "sh", "yaml", "json", "text", "mermaid", ""}
SEPARATORS = {"&&", "||", "|", ";", "&"}

BLOCK = re.compile(r"^( *)```(\w*)\n(.*?)^\1```$", re.MULTILINE | re.DOTALL)
SPAN = re.compile(r"`([^`\n]+)`")


@dataclass(frozen=True)
class Block:
    """A block of code: its document, the number of its first line, language and text."""

    document: Path
    line: int
    language: str
    text: str

    def __str__(self) -> str:
        return f"{name(self.document)}:{self.line}"


def name(document: Path) -> str:
    """The path of a document inside the repository, as an id of a test."""
    return str(document.relative_to(REPOSITORY))


def blocks(document: Path, language: str | None = None) -> list[Block]:
    """The blocks of a document in order, of one language or of all."""
    text = document.read_text(encoding="utf-8")
    return [
        Block(document, text.count("\n", 0, match.start()) + 2, match[2], match[3])
        for match in BLOCK.finditer(text)
        if language in (None, match[2])
    ]


def spans(document: Path) -> list[str]:
    """The code in the running text of a document."""
    return SPAN.findall(BLOCK.sub("", document.read_text(encoding="utf-8")))


def commands(text: str) -> Iterator[list[str]]:
    """The words of each command of a shell script, without redirections.

    >>> list(commands("cd x && vidlib run a.mp4 --json > run.json  # all of it"))
    [['cd', 'x'], ['vidlib', 'run', 'a.mp4', '--json']]
    """
    for line in text.replace("\\\n", " ").splitlines():
        lexer = shlex.shlex(line, posix=True, punctuation_chars=True)
        lexer.whitespace_split = True
        command: list[str] = []
        words = iter(lexer)
        for word in words:
            if word in SEPARATORS:
                yield command
                command = []
            elif set(word) <= set("<>"):
                next(words)
            else:
                command.append(word)
        if command:
            yield command
