"""`python -m tests.hostile CORPUS OUT`: unpack and convert every file of a folder, as from outside, into another.

Whatever is refused is refused; a line for each file says what came of it. `tests/media/test_opened.py` watches.
"""

import sys
from pathlib import Path

from vidlib.errors import VidlibError
from vidlib.ingest.archives import unpack
from vidlib.media.audio import read_waveform
from vidlib.steps import convert


def take_in(file: Path, out: Path) -> str:
    """What came of ``file``, for which ``out`` is a folder that does not exist yet."""
    unpacked = unpack(file, out / "files")
    converted = convert.convert_to(file, out / "video", convert.Params(device="cpu", preset="ultrafast"))
    return f"{unpacked.outcome} {converted.outcome} {_sound(file)}"


def _sound(file: Path) -> str:
    try:
        return f"{len(read_waveform(file))} samples"
    except VidlibError as error:
        return type(error).__name__


if __name__ == "__main__":
    for number, file in enumerate(sorted(Path(sys.argv[1]).iterdir())):
        print(f"{file.name!r}: {take_in(file, Path(sys.argv[2]) / str(number))}")
