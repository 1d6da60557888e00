"""Download: gets the file behind a link, continues a partial download, and verifies the file."""

from pathlib import Path

from pydantic import Field

from vidlib.errors import BrokenOutput
from vidlib.files import move_file, sha256
from vidlib.params import Frozen
from vidlib.progress import Report, quiet
from vidlib.steps.base import OutFile, StepOutputs, location, with_manifest

NAME = "download"
VERSION = 1
NOTEBOOK = "01_download.ipynb"
UNIT = "bytes"
TOOLS = ()


class Inputs(Frozen):
    """Inputs of the step, and its output folder."""

    url: str = Field(description="the normalized link")
    links: tuple[str, ...] = Field(
        (), description="addresses to try, in order; default: the link", json_schema_extra={"location": True}
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

    links = inputs.links or (inputs.url,)
    fetched = download(links, inputs.keep_dir, DownloadRules.from_settings(settings()), report=report)
    return Outputs(
        engine=provider_of(links[-1]).name,
        file=move_file(fetched.path, inputs.out_dir / fetched.path.name),
        sha256=fetched.sha256,
        size=fetched.size,
        resumed_at=fetched.resumed_at,
    )


def verify(inputs: Inputs, outputs: Outputs) -> None:
    """Raise BrokenOutput unless the file has the bytes that arrived."""
    if outputs.file.stat().st_size != outputs.size or sha256(outputs.file) != outputs.sha256:
        raise BrokenOutput(f"{outputs.file} is not what was downloaded: it was changed or cut")
