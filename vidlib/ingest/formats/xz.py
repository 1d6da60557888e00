"""XZ as a stream with a memory limit: `lzma.open` allocates what the file asks for, up to 4 GiB."""

import io
import lzma
from pathlib import Path

from vidlib.ingest.formats.limits import MIB

MAX_MEMORY_BYTES = 160 * MIB  # `xz -9` asks for 65
MAGIC = b"\xfd7zXZ\x00"
PACKED_CHUNK_BYTES = 64 * 1024


class Xz(io.RawIOBase):
    """The contents of all streams in the file ``path``, one after the other; it skips other bytes after them."""

    def __init__(self, path: Path):
        self._file = open(path, "rb")  # noqa: SIM115 closed by `close`
        self._decoder = lzma.LZMADecompressor(lzma.FORMAT_XZ, MAX_MEMORY_BYTES)

    def close(self) -> None:
        """Close the file."""
        self._file.close()
        super().close()

    def read1(self, size: int) -> bytes:
        """Return at most ``size`` bytes, none at the end.

        Raises EOFError if the file ends too early, and LZMAError if it is damaged or needs too much memory.
        """
        packed = b""
        while True:
            if self._decoder.eof:
                if not (packed := self._next_stream()):
                    return b""
            elif self._decoder.needs_input and not (packed := self._file.read(PACKED_CHUNK_BYTES)):
                raise EOFError("cut short")
            if data := self._decoder.decompress(packed, size):
                return data
            packed = b""

    def _next_stream(self) -> bytes:
        """Return the first bytes of the next stream, which zeros may precede, or ``b""`` without one."""
        rest = self._decoder.unused_data.lstrip(b"\0")
        while len(rest) < len(MAGIC) and (more := self._file.read(PACKED_CHUNK_BYTES)):
            rest = (rest + more).lstrip(b"\0")
        if not rest.startswith(MAGIC):
            return b""
        self._decoder = lzma.LZMADecompressor(lzma.FORMAT_XZ, MAX_MEMORY_BYTES)
        return rest
