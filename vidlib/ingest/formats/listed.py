"""Archives that a child program reads: it lists them, then writes the members to a pipe, one behind the other.

The program creates no file: the stream is cut into members here, by the sizes of the list, and each is checked against
the checksum of the list. The child has limits on memory, time and what it may write to a file, and ends with us.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import IO

from vidlib.errors import ArchiveError, CommandFailed
from vidlib.ingest.formats.limits import GIB, MIB, Quota
from vidlib.ingest.formats.member import CHUNK_BYTES, Damaged, Kind, Member, checked
from vidlib.machine import commands
from vidlib.settings import settings

MAX_LISTING_BYTES = 32 * MIB
MAX_MEMORY_BYTES = 4 * GIB  # 7-Zip's largest preset needs 2 GB to unpack; RAR 5 dictionaries are 4 GB at most
MAX_FILE_BYTES = MIB  # of what it complains of; members go to a pipe
LISTING_TIMEOUT_S = 60
"""A list of 300,000 members takes seconds; some damaged RARs have their program go round in a circle."""


@dataclass(frozen=True)
class Entry:
    """One line of the list; members with the same ``block`` were packed together and are only unpacked together."""

    index: int
    name: str
    kind: Kind
    size: int
    crc: int | None
    block: str


def confined(*command: str) -> list[str]:
    """``command`` under limits: memory, files, and the processor seconds that a step may take."""
    cpu_s = int(settings().step_timeout_s)
    limits = f"--as={MAX_MEMORY_BYTES}", f"--fsize={MAX_FILE_BYTES}", f"--cpu={cpu_s}", "--core=0"
    return [commands.find_program("prlimit", "util-linux"), *limits, "--", *command]


def listing(command: Sequence[str], quota: Quota, mark: bytes) -> bytes:
    """What a program prints about an archive; a program that fails in the middle has printed what it found.

    ``mark`` stands in it once for each member: too many are refused before anybody makes objects of them. Raises
    ArchiveError, with the program's own words, if it prints nothing or far too much, or takes too long.
    """
    text, reason, started = b"", "empty", time.monotonic()
    try:
        with commands.stream_stdout(confined(*command), timeout_s=LISTING_TIMEOUT_S) as stdout:
            text = stdout.read(MAX_LISTING_BYTES)
    except CommandFailed as error:
        reason = " ".join(error.stderr.split())
        if time.monotonic() - started >= LISTING_TIMEOUT_S:
            raise ArchiveError(f"hostile: its list of members takes longer than {LISTING_TIMEOUT_S} s") from error
    quota.check_members(text.count(mark))
    if len(text) == MAX_LISTING_BYTES:
        raise ArchiveError(f"hostile: its list of members is longer than {MAX_LISTING_BYTES} bytes")
    if not text.strip():
        raise ArchiveError(f"cannot be read: {reason}")
    return text


def members(
    entries: Sequence[Entry], quota: Quota, command: Callable[[Sequence[Entry]], list[str]]
) -> Iterator[Member]:
    """A member for every entry; ``command(entries)`` writes the bytes of those, in their order, to its stdout.

    Behind damage the stream may be out of step, so the next block is read from a stream of its own.
    """
    quota.check_members(len(entries))
    if any(entry.size < 0 for entry in entries):
        raise ArchiveError("hostile: a member is listed with less than no bytes")
    quota.check_bytes(sum(entry.size for entry in entries))
    rest, timeout_s = list(entries), settings().step_timeout_s
    while rest:
        n_done = 0
        # how the program ends says nothing more: every member has been checked
        with suppress(CommandFailed), commands.stream_stdout(confined(*command(rest)), timeout_s=timeout_s) as stream:
            damaged_block = None
            for entry in rest:
                if damaged_block not in (None, entry.block):
                    break
                piece = _Piece(stream, entry)
                yield Member(entry.name, entry.kind, piece.chunks)
                n_done += 1
                if not piece.finish():
                    damaged_block = entry.block
        rest = rest[n_done:]


class _Piece:
    """The bytes of one member in a stream of many."""

    def __init__(self, stream: IO[bytes], entry: Entry):
        self._sound = False
        self._chunks = self._read(stream, entry)

    def chunks(self) -> Iterator[bytes]:
        return self._chunks

    def finish(self) -> bool:
        """Pass over what nobody read; say whether the member was sound."""
        with suppress(Damaged):
            for _ in self._chunks:
                pass
        return self._sound

    def _read(self, stream: IO[bytes], entry: Entry) -> Iterator[bytes]:
        yield from checked(_take(stream, entry.size), entry.size, entry.crc)
        self._sound = True


def _take(stream: IO[bytes], n_bytes: int) -> Iterator[bytes]:
    while n_bytes and (chunk := stream.read(min(n_bytes, CHUNK_BYTES))):
        n_bytes -= len(chunk)
        yield chunk
