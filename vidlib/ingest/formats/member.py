"""A member of an archive, whatever the archive's format."""

import zlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

CHUNK_BYTES = 1024**2

Kind = Literal["file", "folder", "link", "device"]


class Damaged(Exception):
    """A member, or all that follows, cannot be read as it was packed. `unpack` names it and goes on where it can."""


@dataclass(frozen=True)
class Member:
    """One thing in an archive: its path as stored, what it is, and its bytes.

    ``chunks()`` may be called once, before the next member is asked for; it raises Damaged, at the latest after the
    last byte, unless these are the bytes that were packed. ``name`` is bytes where the format does not say its
    encoding.
    """

    name: str | bytes
    kind: Kind
    chunks: Callable[[], Iterator[bytes]]


def checked(chunks: Iterable[bytes], size: int, crc: int | None) -> Iterator[bytes]:
    """Pass ``chunks`` on, and raise Damaged after the last unless they have that size and CRC-32 (None: unknown)."""
    n_bytes, sum32 = 0, 0
    for chunk in chunks:
        n_bytes, sum32 = n_bytes + len(chunk), zlib.crc32(chunk, sum32)
        yield chunk
    if n_bytes != size:
        raise Damaged(f"cut short: {n_bytes} of {size} bytes")
    if crc is not None and sum32 != crc:
        raise Damaged("wrong checksum")
