"""The limits of one archive, and the quota that counts against them during unpacking."""

from dataclasses import dataclass

from vidlib.errors import ArchiveError
from vidlib.progress import Report, quiet
from vidlib.settings import settings

MIB = 1024**2
GIB = 1024**3
RATIO_FREE_BYTES = MIB
"""The ratio is not limited below this: a small text file may compress 1000:1."""

MAX_PATH = 4096  # characters; Linux takes as many bytes for a whole path
MAX_NAMES = 16 * MIB  # characters; all names stay in memory, several times over, until the last member


@dataclass(frozen=True)
class Limits:
    """The most that one archive may hold: unpacked bytes, unpacked bytes per packed byte, and members of any kind."""

    max_unpacked_bytes: int
    max_ratio: float
    max_files: int

    @classmethod
    def from_settings(cls) -> "Limits":
        """Return the limits that VIDLIB_* settings define."""
        current = settings()
        return cls(current.max_unpacked_bytes, current.max_ratio, current.max_files)


class Quota:
    """Counts members and bytes of an archive of ``packed_bytes``; raises ArchiveError with the setting at a limit."""

    def __init__(self, limits: Limits, packed_bytes: int, report: Report = quiet):
        self._limits, self._packed, self._report = limits, packed_bytes, report
        self._written = self._names = self.members = 0

    def count_member(self, name: str | bytes) -> None:
        """Count one member of any kind, and its name."""
        self.members += 1
        self.check_members(self.members)
        self._names += len(name)
        if len(name) > MAX_PATH or self._names > MAX_NAMES:
            raise ArchiveError(
                f"hostile names: one has more than {MAX_PATH} characters, or all together more than {MAX_NAMES}"
            )

    def count_bytes(self, n_bytes: int) -> None:
        """Count ``n_bytes`` before they are written."""
        self._written += n_bytes
        self.check_bytes(self._written)
        # video hardly compresses, so the size of the archive is a good estimate of the total
        self._report(self._written, max(self._written, self._packed))

    def check_members(self, n_members: int) -> None:
        """Raise ArchiveError for more members than allowed, whether counted or announced."""
        if n_members > self._limits.max_files:
            raise ArchiveError(f"more than {self._limits.max_files} files; to allow more, set VIDLIB_MAX_FILES")

    def check_bytes(self, n_bytes: int) -> None:
        """Raise ArchiveError for more bytes than allowed, whether counted or announced."""
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
