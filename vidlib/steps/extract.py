"""Extract: unpacks a delivered archive, under safe names, into a folder; it only reads the archive."""

import shutil
from pathlib import Path
from typing import Literal

from pydantic import Field

from vidlib.errors import ArchiveError, BrokenOutput
from vidlib.ingest.archives import unpack
from vidlib.params import Frozen
from vidlib.progress import Report, quiet
from vidlib.results.review import ReviewItem
from vidlib.steps.base import OutFile, StepOutputs, from_source, location, with_manifest

NAME = "extract"
VERSION = 1
NOTEBOOK = "02_extract.ipynb"
UNIT = "bytes"
TOOLS = ()

FILES_FOLDER = "files"
MAX_REVIEW_ITEMS = 20


class Inputs(Frozen):
    """Inputs of the step, and its output folder."""

    archive: Path = from_source("ZIP, TAR (also gzip, bzip2, xz, zstd), 7z or RAR, whatever its name ends in")
    out_dir: Path = location("output folder of the step")


class Params(Frozen):
    """No choices: the limits of archives are settings of the machine."""


class Outputs(StepOutputs):
    """The files of the archive."""

    outcome: Literal["ok", "partial"] = Field(description="ok: every file; partial: the undamaged files")
    message: str = Field(description="the outcome in a sentence")
    files: tuple[OutFile, ...] = Field(description="every file, in the order of the archive")
    damaged: tuple[str, ...] = Field(description="damaged members, which are missing: name and reason")
    left_out: tuple[tuple[str, str], ...] = Field(
        (), description="damaged members, links and devices, which are missing: name and reason"
    )


@with_manifest
def run(inputs: Inputs, params: Params, *, report: Report = quiet) -> Outputs:
    """Unpack the archive into ``files/`` of ``out_dir``.

    Raises ArchiveError with the reason, and leaves no file, for an archive that is unreadable, encrypted, over a limit
    or without one intact file.
    """
    folder = inputs.out_dir / FILES_FOLDER
    if folder.exists():  # a person runs the notebook again with the same out_dir
        shutil.rmtree(folder)
    unpacked = unpack(inputs.archive, folder, report=report)
    if unpacked.outcome == "refused":
        raise ArchiveError(unpacked.message)
    return Outputs(
        outcome=unpacked.outcome,
        message=unpacked.message,
        files=unpacked.files,
        damaged=unpacked.damaged,
        left_out=unpacked.left_out,
        doubts=tuple(ReviewItem(message=f"missing: {what}") for what in unpacked.damaged[:MAX_REVIEW_ITEMS]),
    )


def verify(inputs: Inputs, outputs: Outputs) -> None:
    """Raise BrokenOutput unless ``files/`` holds exactly the files of ``outputs``, and no links or special files."""
    folder = inputs.out_dir / FILES_FOLDER
    found = {path for path in folder.rglob("*") if path.is_symlink() or not path.is_dir()}
    if strange := found.symmetric_difference(outputs.files):
        raise BrokenOutput(f"{min(strange)} is left over or missing")
    if not all(path.is_file() and not path.is_symlink() for path in found):
        raise BrokenOutput(f"{folder} holds something that is no regular file")
