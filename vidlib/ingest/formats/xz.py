"""XZ as a stream that takes no more memory than we say: `lzma.open` takes what the file asks for, up to 4 GiB."""

import io
import lzma
from pathlib import Path

from vidlib.ingest.formats.limits import MIB

MAX_MEMORY_BYTES = 160 * MIB  # `xz -9` asks for 65
MAGIC = b"\xfd7zXZ\x00"
PACKED_CHUNK_BYTES = 64 * 1024


class Xz(io.RawIOBase):
    """What the streams in the file ``path`` hold, one behind the other; whatever else follows them is passed over."""

    def __init__(self, path: Path):
        self._file = open(path, "rb")  # noqa: SIM115 `close` closes it
        self._decoder = lzma.LZMADecompressor(lzma.FORMAT_XZ, MAX_MEMORY_BYTES)

    def close(self) -> None:
        self._file.close()
        super().close()

    def read1(self, size: int) -> bytes:
        """At most ``size`` bytes, none at the end.

        Raises EOFError where the file ends in the middle, LZMAError where it is damaged or asks for too much memory.
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
        """The beginning of the stream that follows, with zeros in between; ``b""`` if none does."""
        rest = self._decoder.unused_data.lstrip(b"\0")
        while len(rest) < len(MAGIC) and (more := self._file.read(PACKED_CHUNK_BYTES)):
            rest = (rest + more).lstrip(b"\0")
        if not rest.startswith(MAGIC):
            return b""
        self._decoder = lzma.LZMADecompressor(lzma.FORMAT_XZ, MAX_MEMORY_BYTES)
        return rest
