"""Deliver a project: the editor's folder, and the lasting results in the archive, found by content."""

import json
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from typing import Annotated

from pydantic import AfterValidator, Field

from vidlib.errors import BrokenOutput
from vidlib.files import FileRecord, write_json
from vidlib.params import Frozen
from vidlib.progress import Report, quiet
from vidlib.results import archive, delivery
from vidlib.results.naming import OPTIONAL, PUBLISHED
from vidlib.steps.base import OutFile, StepOutputs, location, with_manifest

NAME = "finalize"
VERSION = 1
NOTEBOOK = "08_finalize.ipynb"
UNIT = "files"
TOOLS = ()

LISTING = "delivery.json"


def _below(stem: str) -> str:
    path = PurePosixPath(stem)
    if not path.name or path.is_absolute() or ".." in path.parts:
        raise ValueError("expected a path below the project's folder, such as Sub/clip")
    return stem


def _plain(name: str) -> str:
    if not name or "/" in name or name.startswith("."):
        raise ValueError("expected the plain name of a folder, not hidden")
    return name


def _distinct(videos: "tuple[FinishedVideo, ...]") -> "tuple[FinishedVideo, ...]":
    twice = [stem for stem, n in Counter(video.stem.casefold() for video in videos).items() if n > 1]
    if twice:
        raise ValueError(f"two videos would be delivered as one: {', '.join(twice)}")
    return videos


class FinishedVideo(Frozen):
    """One video of the project, and what the steps left of it; None is what a step that failed did not leave."""

    stem: Annotated[str, AfterValidator(_below)] = Field(description="what it is called in the project: Sub/clip")
    source: Path = Field(description="the file as it arrived")
    video: Path | None = Field(None, description="25 fps video, as convert leaves it")
    shots_csv: Path | None = None
    audio_json: Path | None = None
    tracking_json: Path | None = None
    tracking_parquet: Path | None = None
    rttm: Path | None = None
    captions: Path | None = None

    @property
    def missing(self) -> list[str]:
        """What it lacks to be delivered."""
        return [name for name in ("video", *PUBLISHED) if name not in OPTIONAL and getattr(self, name) is None]

    @property
    def results(self) -> dict[str, Path]:
        """What was found out about it, by the names in `vidlib.results.naming`."""
        return {name: path for name in PUBLISHED if (path := getattr(self, name))}

    @property
    def deliverables(self) -> dict[str, Path]:
        """What the editor gets, ``{name in the delivery: file}``."""
        return {f"{self.stem}.mp4": self.video} | {
            f"{self.stem}{PUBLISHED[name]}": path for name, path in self.results.items()
        }


class Inputs(Frozen):
    """All videos of one project."""

    project: Annotated[str, AfterValidator(_plain)] = Field(description="name of the project, and of its folders")
    videos: Annotated[tuple[FinishedVideo, ...], AfterValidator(_distinct)] = Field(description="its videos")
    archive_dir: Path = location("folder that holds the lasting results")
    delivery_dir: Path = location("folder that holds the delivered projects")
    out_dir: Path = location("the folder of this step")


class Params(Frozen):
    """Nothing to choose: what is delivered was decided by the steps before."""


class LeftOut(Frozen):
    """A video that was neither delivered nor archived, and why."""

    stem: str
    reason: str


class Outputs(StepOutputs):
    """What was delivered and where; the places outside the step's folder are absolute paths."""

    delivery: OutFile = Field(description="JSON: every file that was delivered or archived, with size and SHA-256")
    delivered: tuple[str, ...] = Field(description="the files in the delivery folder")
    archived: tuple[str, ...] = Field(description="the folders in the results archive")
    left_out: tuple[LeftOut, ...] = Field((), description="videos that did not finish")


def verify(inputs: Inputs, outputs: Outputs) -> None:
    """Raise BrokenOutput unless every video is delivered and archived, or said to be left out."""
    listed = {video["stem"] for video in _listing(outputs)["videos"]} | {video.stem for video in outputs.left_out}
    if forgotten := {video.stem for video in inputs.videos} - listed:
        raise BrokenOutput(f"{outputs.delivery} says nothing of: {', '.join(sorted(forgotten))}")
    verify_external(outputs)


def verify_external(outputs: Outputs) -> None:
    """Raise BrokenOutput, naming the file, unless all that was delivered and archived is there and unchanged."""
    for video in _listing(outputs)["videos"]:
        for file in (*video["delivered"], *video["archived"]):
            FileRecord(size=file["size"], sha256=file["sha256"]).check(Path(file["path"]))


@with_manifest
def run(inputs: Inputs, params: Params, *, report: Report = quiet) -> Outputs:
    """Archive the results of every finished video, then deliver them together; what stands already is left alone.

    Nothing is removed, neither a source nor an older delivery. Raises BrokenOutput where a copy differs from its
    original; whatever was delivered or archived before is then still there.
    """
    now = datetime.now(UTC)
    finished = [video for video in inputs.videos if not video.missing]
    files = {name: path for video in finished for name, path in video.deliverables.items()}
    total = len(finished) + len(files)
    entries = []
    for video in finished:
        entries.append(archive.put(inputs.archive_dir, inputs.project, _analysed(video), now))
        report(len(entries), total)
    if files:
        delivery.deliver(
            inputs.delivery_dir, inputs.project, files, now, lambda done, _: report(len(finished) + done, total)
        )
    report(total, total)
    return _outputs(inputs, finished, entries)


def _analysed(video: FinishedVideo) -> archive.ResultSet:
    return archive.ResultSet(video.source, video.video, PurePosixPath(video.stem).name, video.results)


def _outputs(inputs: Inputs, finished: list[FinishedVideo], entries: list[archive.Entry]) -> Outputs:
    folder = inputs.delivery_dir / inputs.project
    listed = [_listed(video, entry, folder) for video, entry in zip(finished, entries, strict=True)]
    left_out = tuple(_left_out(video) for video in inputs.videos if video.missing)
    listing = {
        "project": inputs.project,
        "folder": str(folder),
        "videos": listed,
        "left_out": [video.model_dump() for video in left_out],
    }
    return Outputs(
        delivery=write_json(inputs.out_dir / LISTING, listing),
        delivered=tuple(file["path"] for video in listed for file in video["delivered"]),
        archived=tuple(dict.fromkeys(str(entry.folder) for entry in entries)),
        left_out=left_out,
    )


def _left_out(video: FinishedVideo) -> LeftOut:
    return LeftOut(stem=video.stem, reason=f"a step before did not finish, so it lacks {', '.join(video.missing)}")


def _listed(video: FinishedVideo, entry: archive.Entry, folder: Path) -> dict:
    """What the listing says of one video."""
    return {
        "stem": video.stem,
        "source": str(video.source),
        "source_hash": entry.metadata.source_hash,
        "video_hash": entry.metadata.video_hash,
        "delivered": [_record(folder / name) for name in video.deliverables],
        "archived": [_record(entry.folder / name) for name in entry.metadata.files],
    }


def _record(path: Path) -> dict:
    return {"path": str(path), **FileRecord.of(path).model_dump()}


def _listing(outputs: Outputs) -> dict:
    return json.loads(outputs.delivery.read_text(encoding="utf-8"))
