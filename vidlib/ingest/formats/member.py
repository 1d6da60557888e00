"""A member of an archive of any format."""

import zlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

CHUNK_BYTES = 1024**2

Kind = Literal["file", "folder", "link", "device"]


class Damaged(Exception):
    """A member, or the rest of the archive, is damaged. `unpack` names it and continues if it can."""


@dataclass(frozen=True)
class Member:
    """A file, folder, link or device in an archive: its stored path, its kind, and its bytes.

    ``chunks()`` may be called once, before the next member is requested. It raises Damaged, at the latest after the
    last byte, unless these are the packed bytes. ``name`` is bytes if the format does not store the encoding.
    """

    name: str | bytes
    kind: Kind
    chunks: Callable[[], Iterator[bytes]]


def checked(chunks: Iterable[bytes], size: int, crc: int | None) -> Iterator[bytes]:
    """Yield ``chunks``; raise Damaged after the last unless they have this size and CRC-32 (None: unknown)."""
    n_bytes, sum32 = 0, 0
    for chunk in chunks:
        n_bytes, sum32 = n_bytes + len(chunk), zlib.crc32(chunk, sum32)
        yield chunk
    if n_bytes != size:
        raise Damaged(f"cut short: {n_bytes} of {size} bytes")
    if crc is not None and sum32 != crc:
        raise Damaged("wrong checksum")
