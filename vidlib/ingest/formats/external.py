"""Archives that a child program reads: it lists the members, then writes them to a pipe, one after the other.

The program creates no file. This module cuts the stream into members by the sizes in the list, and compares each with
its checksum in the list. The child has limits on memory, time and written files, and ends with this process.
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
MAX_FILE_BYTES = MIB  # for its error messages; members go to a pipe
LISTING_TIMEOUT_S = 60
"""A list of 300,000 members takes seconds; some damaged RARs make the program loop."""


@dataclass(frozen=True)
class Entry:
    """A member in the list. Members of one ``block`` were compressed together and unpack only together."""

    index: int
    name: str
    kind: Kind
    size: int
    crc: int | None
    block: str


def limited(*command: str) -> list[str]:
    """Return ``command`` with limits on memory, written files, and processor time (VIDLIB_STEP_TIMEOUT_S)."""
    cpu_s = int(settings().step_timeout_s)
    limits = f"--as={MAX_MEMORY_BYTES}", f"--fsize={MAX_FILE_BYTES}", f"--cpu={cpu_s}:{cpu_s + 5}", "--core=0"
    return [commands.find_program("prlimit", "util-linux"), *limits, "--", *command]


def listing(command: Sequence[str], quota: Quota, mark: bytes) -> bytes:
    """Return the list of members that a program prints; if it fails in the middle, the list up to there.

    ``mark`` occurs once for each member, so that too many are refused before they become objects. Raises ArchiveError
    with the message of the program if it prints nothing or too much, or takes too long.
    """
    text, reason, started = b"", "empty", time.monotonic()
    try:
        with commands.stream_stdout(limited(*command), timeout_s=LISTING_TIMEOUT_S) as stdout:
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
    """Yield a member for every entry; ``command(entries)`` writes their bytes in order to its stdout.

    After damage the stream may be out of step, so the next block is read from a new stream.
    """
    quota.check_members(len(entries))
    if any(entry.size < 0 for entry in entries):
        raise ArchiveError("hostile: the list contains a member with a negative size")
    quota.check_bytes(sum(entry.size for entry in entries))
    rest, timeout_s = list(entries), settings().step_timeout_s
    while rest:
        n_done = 0
        # the exit code tells nothing more: every member has been checked
        with suppress(CommandFailed), commands.stream_stdout(limited(*command(rest)), timeout_s=timeout_s) as stream:
            damaged_block = None
            for entry in rest:
                if damaged_block not in (None, entry.block):
                    break
                member_stream = _MemberStream(stream, entry)
                yield Member(entry.name, entry.kind, member_stream.chunks)
                n_done += 1
                if not member_stream.finish():
                    damaged_block = entry.block
        rest = rest[n_done:]


class _MemberStream:
    """The bytes of one member in a stream of many."""

    def __init__(self, stream: IO[bytes], entry: Entry):
        self._intact = False
        self._chunks = self._read(stream, entry)

    def chunks(self) -> Iterator[bytes]:
        """Yield the bytes of the member; raises Damaged."""
        return self._chunks

    def finish(self) -> bool:
        """Skip the bytes that were not read; return whether the member is intact."""
        with suppress(Damaged):
            for _ in self._chunks:
                pass
        return self._intact

    def _read(self, stream: IO[bytes], entry: Entry) -> Iterator[bytes]:
        yield from checked(_take(stream, entry.size), entry.size, entry.crc)
        self._intact = True


def _take(stream: IO[bytes], n_bytes: int) -> Iterator[bytes]:
    while n_bytes and (chunk := stream.read(min(n_bytes, CHUNK_BYTES))):
        n_bytes -= len(chunk)
        yield chunk
