"""`python -m tests.ingest.peak ARCHIVE TARGET`: unpack as this machine allows, and say the most memory it took.

The output is a line of JSON, ``{"outcome", "message", "peak_bytes"}``; what children take is not in it.
"""

import json
import sys
from pathlib import Path

from vidlib.ingest.archives import unpack

MAX_BYTES = 300 * 1024**2
"""What unpacking may take, whatever the archive."""


def peak_bytes() -> int:
    """The most memory that this process ever held, from the system."""
    lines = Path("/proc/self/status").read_text().splitlines()
    (kib,) = (line.split()[1] for line in lines if line.startswith("VmHWM:"))
    return int(kib) * 1024


if __name__ == "__main__":
    unpacked = unpack(Path(sys.argv[1]), Path(sys.argv[2]))
    print(json.dumps({"outcome": unpacked.outcome, "message": unpacked.message, "peak_bytes": peak_bytes()}))
