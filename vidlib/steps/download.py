"""Download: gets the file behind a link, continues a partial download, and verifies the file."""

import json
from collections.abc import Sequence
from pathlib import Path

from pydantic import Field

from vidlib.errors import BrokenOutput, UsageError
from vidlib.files import move_file, sha256, write_json
from vidlib.params import Frozen
from vidlib.progress import Report, quiet
from vidlib.steps.base import OutFile, StepOutputs, location, with_manifest

NAME = "download"
VERSION = 1
NOTEBOOK = "01_download.ipynb"
UNIT = "bytes"
TOOLS = ()

LINKS = ".links.json"
"""The file in ``keep_dir`` with the links to a handle, for the user of the process alone and for one attempt only."""


class Inputs(Frozen):
    """Inputs of the step, and its output folder."""

    url: str = Field(description="the link, or in a run the handle of the link")
    links: tuple[str, ...] = Field(
        (), description="addresses to try, in order; default: those of the link", json_schema_extra={"location": True}
    )
    keep_dir: Path = location("folder for partial downloads, which the next attempt continues")
    out_dir: Path = location("output folder of the step")


class Params(Frozen):
    """No choices: the limits of downloads are settings of the machine."""


class Outputs(StepOutputs):
    """The downloaded file."""

    file: OutFile = Field(description="the file, under its own name made safe")
    sha256: str = Field(description="SHA-256 of its bytes as they arrived")
    size: int = Field(description="bytes")
    resumed_at: int = Field(description="bytes that had arrived before this attempt")


@with_manifest
def run(inputs: Inputs, params: Params, *, report: Report = quiet) -> Outputs:
    """Download the file into ``out_dir``. The output ``engine`` names the provider of the link.

    Raises DownloadFailed if the download cannot be completed, RefusedInput with the reason for a file that is not
    accepted, and NeedsOperator for a link that only a person can download from.
    """
    from vidlib.ingest.fetch import DownloadRules
    from vidlib.ingest.providers import download, provider_of
    from vidlib.settings import settings

    links = _links(inputs)
    fetched = download(links, inputs.keep_dir, DownloadRules.from_settings(settings()), report=report)
    return Outputs(
        engine=provider_of(links[-1]).name,
        file=move_file(fetched.path, inputs.out_dir / fetched.path.name),
        sha256=fetched.sha256,
        size=fetched.size,
        resumed_at=fetched.resumed_at,
    )


def hand_over_links(keep_dir: Path, links: Sequence[str]) -> Path:
    """Write the links of a run for its step, which gets only a handle; returns the file, to be removed afterwards.

    The notebook and the manifest of the step are readable to others, and a link gives access to the file behind it.
    """
    return write_json(keep_dir / LINKS, list(links), private=True)


def _links(inputs: Inputs) -> tuple[str, ...]:
    from vidlib.ingest.urls import HANDLE

    if inputs.links:
        return inputs.links
    if not HANDLE.fullmatch(inputs.url):
        return (inputs.url,)
    try:
        return tuple(json.loads((inputs.keep_dir / LINKS).read_bytes()))
    except (OSError, ValueError) as error:
        raise UsageError(f"{inputs.url} names a link that only its run knows; set `url` to the link itself") from error


def verify(inputs: Inputs, outputs: Outputs) -> None:
    """Raise BrokenOutput unless the file has the bytes that arrived."""
    if outputs.file.stat().st_size != outputs.size or sha256(outputs.file) != outputs.sha256:
        raise BrokenOutput(f"{outputs.file} is not what was downloaded: it was changed or cut")
