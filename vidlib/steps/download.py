"""download: the file behind a link, whole and checked; what arrived of it before is used again."""

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
    """What download asks for, and where it writes."""

    url: str = Field(description="the link, in its one spelling")
    links: tuple[str, ...] = Field(
        (), description="where to ask, in order; default the link", json_schema_extra={"location": True}
    )
    keep_dir: Path = location("folder for what has arrived so far: the next attempt goes on with it")
    out_dir: Path = location("the one folder this step may write to")


class Params(Frozen):
    """Nothing to choose: how much may be downloaded, and from where, is a setting of the machine."""


class Outputs(StepOutputs):
    """The file as it came."""

    file: OutFile = Field(description="the file, under its own name made safe")
    sha256: str = Field(description="SHA-256 of its bytes, taken as they came")
    size: int = Field(description="bytes")
    resumed_at: int = Field(description="bytes that had arrived before this attempt")


@with_manifest
def run(inputs: Inputs, params: Params, *, report: Report = quiet) -> Outputs:
    """Leave the file in ``out_dir``. ``engine`` says whose link it was.

    Raises DownloadFailed if it breaks off for good, RefusedInput, with the reason, for what is not to be taken, and
    NeedsOperator for what only a person can download.
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
    """Raise BrokenOutput unless the file holds what came over the line."""
    if outputs.file.stat().st_size != outputs.size or sha256(outputs.file) != outputs.sha256:
        raise BrokenOutput(f"{outputs.file} is not what was downloaded: it was changed or cut")
