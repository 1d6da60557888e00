"""How much one archive may hold, and the count that is kept while it is unpacked."""

from dataclasses import dataclass

from vidlib.errors import ArchiveError
from vidlib.progress import Report, quiet
from vidlib.settings import settings

MIB = 1024**2
GIB = 1024**3
RATIO_FREE_BYTES = MIB  # so little does no harm, and a small text file may well pack 1000:1
MAX_PATH = 4096  # characters; Linux takes as many bytes for a whole path
MAX_NAMES = 16 * MIB  # characters; they are in memory, several times over, until the last member has come


@dataclass(frozen=True)
class Limits:
    """The most that one archive may hold: bytes once unpacked, bytes per byte of archive, members of any kind."""

    max_unpacked_bytes: int
    max_ratio: float
    max_files: int

    @classmethod
    def from_settings(cls) -> "Limits":
        """As this machine's VIDLIB_* settings say."""
        given = settings()
        return cls(given.max_unpacked_bytes, given.max_ratio, given.max_files)


class Quota:
    """Counts what comes out of an archive of ``packed_bytes``; raises ArchiveError, naming the setting, at a limit."""

    def __init__(self, limits: Limits, packed_bytes: int, report: Report = quiet):
        self._limits, self._packed, self._report = limits, packed_bytes, report
        self._kept = self._names = self.members = 0

    def count_member(self, name: str | bytes) -> None:
        """Count one member, kept or not, and its name."""
        self.members += 1
        self.check_members(self.members)
        self._names += len(name)
        if len(name) > MAX_PATH or self._names > MAX_NAMES:
            raise ArchiveError(f"hostile names: one is longer than {MAX_PATH} characters, or all than {MAX_NAMES}")

    def count_bytes(self, n_bytes: int) -> None:
        """Count ``n_bytes`` that are about to be written."""
        self._kept += n_bytes
        self.check_bytes(self._kept)
        # video hardly packs: until more than that has come, the archive's size is a fair guess of what will
        self._report(self._kept, max(self._kept, self._packed))

    def check_members(self, n_members: int) -> None:
        """Refuse more than the allowed number of members, counted or promised."""
        if n_members > self._limits.max_files:
            raise ArchiveError(f"more than {self._limits.max_files} files; to allow more, set VIDLIB_MAX_FILES")

    def check_bytes(self, n_bytes: int) -> None:
        """Refuse more than the allowed number of bytes, counted or promised."""
        limits = self._limits
        if n_bytes > limits.max_unpacked_bytes:
            raise ArchiveError(
                f"unpacks to more than {limits.max_unpacked_bytes} bytes; to allow more, set VIDLIB_MAX_UNPACKED_BYTES"
            )
        if n_bytes > max(RATIO_FREE_BYTES, limits.max_ratio * self._packed):
            raise ArchiveError(
                f"unpacks to more than {limits.max_ratio:g} times its {self._packed} bytes; "
                "to allow more, set VIDLIB_MAX_RATIO"
            )
