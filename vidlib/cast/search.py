"""Searches files for the names of a person, as exports, pages and tables write them."""

import html
import json
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from vidlib.media.suffixes import VIDEO_SUFFIXES

MAX_BYTES = 256 << 20
"""Larger files are not searched, and listed; results of an hour of video have a tenth of that."""


@dataclass
class Found:
    """The files that hold a name, and those that were not searched: videos, files too large, or unreadable."""

    files: list[Path] = field(default_factory=list)
    not_searched: list[Path] = field(default_factory=list)


def search(roots: Iterable[Path], names: Iterable[str]) -> Found:
    """The files below ``roots`` with one of ``names`` in their content or path, in the spellings of `spellings`."""
    wanted = {spelling for name in names for spelling in spellings(name)}
    found = Found()
    for path in _files(roots) if wanted else ():
        if any(spelling in str(path).encode(errors="surrogateescape") for spelling in wanted):
            found.files.append(path)
        elif (holds := _holds(path, wanted)) is None:
            found.not_searched.append(path)
        elif holds:
            found.files.append(path)
    return found


def _holds(path: Path, wanted: set[bytes]) -> bool | None:
    """Whether a file has one of ``wanted``; None for a video, and for a file that is too large or cannot be read."""
    try:
        if path.suffix.lower() in VIDEO_SUFFIXES or path.stat().st_size > MAX_BYTES:
            return None
        return any(spelling in text for text in _texts(path) for spelling in wanted)
    except OSError:
        return None


def spellings(name: str) -> set[bytes]:
    """A name as files may have it: plain, in RTTM, in JSON, in HTML, and with accents as characters of their own.

    >>> sorted(spellings("Ann O'Hara"))
    [b'Ann O&#x27;Hara', b"Ann O'Hara", b'Ann_O&#x27;Hara', b"Ann_O'Hara"]
    """
    texts = {form for text in (name, name.replace(" ", "_")) for form in (text, unicodedata.normalize("NFD", text))}
    texts |= {json.dumps(text)[1:-1] for text in texts} | {html.escape(text) for text in texts}
    return {text.encode() for text in texts}


def _files(roots: Iterable[Path]) -> Iterator[Path]:
    seen: set[Path] = set()
    for root in roots:
        for path in sorted(root.rglob("*")):
            if path.is_file() and not path.is_symlink() and path not in seen:
                seen.add(path)
                yield path


def _texts(path: Path) -> Iterator[bytes]:
    """The bytes of a file, and what is compressed in a table."""
    yield path.read_bytes()
    if path.suffix == ".parquet":
        import pyarrow as pa
        import pyarrow.compute as pc
        import pyarrow.parquet as pq

        try:
            with pq.ParquetFile(path) as file:
                texts = [field.name for field in file.schema_arrow if _is_text(field.type)]
                table = file.read(columns=texts)
        except (pa.ArrowInvalid, OSError):
            return
        for name in texts:
            values = pc.list_flatten(table[name]) if pa.types.is_list(table.schema.field(name).type) else table[name]
            yield "\n".join(map(str, pc.unique(values).to_pylist())).encode(errors="surrogateescape")


def _is_text(type_: Any) -> bool:
    import pyarrow as pa

    inner = type_.value_type if pa.types.is_list(type_) or pa.types.is_dictionary(type_) else type_
    return bool(pa.types.is_string(inner) or pa.types.is_large_string(inner))
