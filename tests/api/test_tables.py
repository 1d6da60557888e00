"""docs/tables.md says what the columns are: it is made of the code that makes the tables."""

import pytest

from vidlib.results import frames
from vidlib.results.frames import Column
from vidlib.settings import REPOSITORY

DOCUMENT = (REPOSITORY / "docs" / "tables.md").read_text(encoding="utf-8")


def rows(columns: tuple[Column, ...]) -> str:
    """The columns as a table of the document."""
    lines = [
        f"| `{c.name}` | {c.type.replace('<item: ', ' of ').rstrip('>')} | {c.unit} | "
        f"{c.meaning}{'; may be missing' if c.nullable else ''} |"
        for c in columns
    ]
    return "\n".join(["| column | type | unit, range | what |", "|---|---|---|---|", *lines])


@pytest.mark.parametrize("name", frames.TABLES)
def test_the_document_lists_every_column(name):
    columns = frames.TABLES[name]
    if name == "blendshapes":
        columns = columns[:2]
        assert ", ".join(f"`{column.name}`" for column in frames.TABLES[name][2:]) in DOCUMENT
    assert f"### {name}\n" in DOCUMENT
    assert rows(columns) in DOCUMENT, f"put this below '### {name}' in docs/tables.md:\n\n{rows(columns)}"


def test_the_document_lists_what_comes_first_in_a_workspace():
    assert rows(frames.VIDEO) in DOCUMENT, f"put this in docs/tables.md:\n\n{rows(frames.VIDEO)}"
