"""Finalize: delivers a project to the editor, and archives its results, which are found by content."""

import json
from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from vidlib.corrections import store
from vidlib.corrections.actions import Correction
from vidlib.errors import BrokenOutput
from vidlib.files import FileRecord, sha256, write_json
from vidlib.params import Frozen
from vidlib.progress import Report, quiet
from vidlib.results import archive, delivery
from vidlib.results.finding import index
from vidlib.results.naming import ARCHIVED, CORRECTIONS, DELIVERED, OPTIONAL, PUBLISHED
from vidlib.steps.base import OutFile, StepOutputs, added_param, location, with_manifest
from vidlib.steps.corrected import corrections_input

NAME = "finalize"
VERSION = 2
NOTEBOOK = "08_finalize.ipynb"
UNIT = "files"
TOOLS = ()

LISTING = "delivery.json"

Mode = Literal["complete", "all", "videos"]
"""Which videos of a project are delivered, and with what."""


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
    """One video of the project and its results; None is the result of a failed step.

    The fields from ``shots_csv`` on are the names of `vidlib.results.naming.ARCHIVED`.
    """

    stem: Annotated[str, AfterValidator(_below)] = Field(
        description="its name in the project, without suffix: Sub/clip"
    )
    source: Path = Field(description="the file as it arrived")
    video: Path | None = Field(None, description="the converted video at 25 fps")
    shots_csv: Path | None = None
    audio_json: Path | None = None
    tracking_json: Path | None = None
    tracking_parquet: Path | None = None
    rttm: Path | None = None
    captions: Path | None = None
    shots_json: Path | None = None
    people: Path | None = None
    corrections: tuple[Correction, ...] = corrections_input()
    subtitles: Path | None = None
    words: Path | None = None

    @property
    def missing(self) -> list[str]:
        """The names of results that complete it and that it does not have."""
        return [name for name in ("video", *PUBLISHED) if name not in OPTIONAL and getattr(self, name) is None]

    @property
    def results(self) -> dict[str, Path]:
        """Its results, by the names in `vidlib.results.naming`."""
        return {name: path for name in ARCHIVED if name != CORRECTIONS and (path := getattr(self, name))}

    @property
    def converted(self) -> Path:
        """The converted video; raises BrokenOutput if the step convert failed."""
        if self.video is None:
            raise BrokenOutput(f"{self.stem} has no converted video; run the step convert again")
        return self.video

    def deliverables(self, deliver: "Mode") -> dict[str, Path]:
        """The files for the editor, ``{name in the delivery: file}``."""
        results = {} if deliver == "videos" else self.results
        return {f"{self.stem}.mp4": self.converted} | {
            f"{self.stem}{DELIVERED[name]}": path for name, path in results.items() if name in DELIVERED
        }


class Inputs(Frozen):
    """The videos of one project, and the output folders."""

    project: Annotated[str, AfterValidator(_plain)] = Field(description="name of the project, and of its folders")
    videos: Annotated[tuple[FinishedVideo, ...], AfterValidator(_distinct)] = Field(description="its videos")
    archive_dir: Path = location("folder of the results archive")
    delivery_dir: Path = location("folder of the deliveries")
    out_dir: Path = location("output folder of the step")


class Params(Frozen):
    """What is delivered. The archive keeps the results of every complete video in any case."""

    deliver: Mode = added_param(
        "complete",
        "complete: each video with all its results; all: nothing unless every video is complete; videos: converted "
        "videos alone, also of those whose analysis failed",
    )


class LeftOut(Frozen):
    """A video that was not delivered, and why."""

    stem: str
    reason: str


class Outputs(StepOutputs):
    """The delivered and archived files; those outside the folder of the step have absolute paths."""

    delivery: OutFile = Field(description="JSON: every delivered and archived file, with size and SHA-256")
    delivered: tuple[str, ...] = Field(description="the files in the delivery folder")
    archived: tuple[str, ...] = Field(description="the folders in the results archive")
    left_out: tuple[LeftOut, ...] = Field((), description="videos that were not delivered")


def verify(inputs: Inputs, outputs: Outputs) -> None:
    """Raise BrokenOutput unless every video is delivered and archived, or listed as left out."""
    listed = {video["stem"] for video in _listing(outputs)["videos"]} | {video.stem for video in outputs.left_out}
    if forgotten := {video.stem for video in inputs.videos} - listed:
        raise BrokenOutput(f"{outputs.delivery} says nothing of: {', '.join(sorted(forgotten))}")
    verify_external(outputs)


def verify_external(outputs: Outputs) -> None:
    """Raise BrokenOutput, with its name, if a delivered or archived file is missing or changed."""
    for video in _listing(outputs)["videos"]:
        for file in (*video["delivered"], *video["archived"]):
            FileRecord(size=file["size"], sha256=file["sha256"]).check(Path(file["path"]))


def archived_folder(listing: Path, stem: str) -> Path | None:
    """The entry in the archive of a video that the ``listing`` of a finished step names; None where it has none."""
    videos = json.loads(listing.read_text(encoding="utf-8"))["videos"]
    files = [file["path"] for video in videos if video["stem"] == stem for file in video["archived"]]
    return Path(files[0]).parent if files else None


@with_manifest
def run(inputs: Inputs, params: Params, *, report: Report = quiet) -> Outputs:
    """Archive the results of every complete video, then deliver all videos that ``params`` select together.

    Identical earlier results stay as they are; the step removes neither a source nor an older delivery. Raises
    BrokenOutput if a copy differs from its original, and if the disk of a folder is not there; earlier deliveries and
    archives then stay as well.
    """
    delivery.check_root(inputs.archive_dir, "VIDLIB_ARCHIVE_DIR")
    delivery.check_root(inputs.delivery_dir, "VIDLIB_DELIVERY_DIR")
    now = datetime.now(UTC)
    complete = [video for video in inputs.videos if not video.missing]
    chosen = _chosen(inputs.videos, params.deliver)
    files = {name: path for video in chosen for name, path in video.deliverables(params.deliver).items()}
    total = len(complete) + len(files)
    entries: dict[str, archive.Entry] = {}
    for video in complete:
        corrections = inputs.out_dir / f"{len(entries)}_corrections.json"
        analysed = _analysed(video, corrections)
        entries[video.stem] = archive.put(inputs.archive_dir, inputs.project, analysed, now)
        corrections.unlink(missing_ok=True)
        report(len(entries), total)
    index.refresh(inputs.archive_dir)
    if files:
        delivery.deliver(
            inputs.delivery_dir, inputs.project, files, now, lambda done, _: report(len(complete) + done, total)
        )
    report(total, total)
    return _outputs(inputs, params.deliver, chosen, entries)


def _chosen(videos: tuple[FinishedVideo, ...], deliver: Mode) -> list[FinishedVideo]:
    """The videos that are delivered."""
    if deliver == "videos":
        return [video for video in videos if video.video]
    complete = [video for video in videos if not video.missing]
    return complete if deliver == "complete" or len(complete) == len(videos) else []


def _analysed(video: FinishedVideo, corrections: Path) -> archive.ResultSet:
    """The results of a video; its corrections, if there are any, are written to the file ``corrections``."""
    results = video.results
    if video.corrections:
        results[CORRECTIONS] = store.snapshot(corrections, sha256(video.source), video.corrections)
    return archive.ResultSet.from_video(video.source, video.converted, PurePosixPath(video.stem).name, results)


def _outputs(
    inputs: Inputs, deliver: Mode, chosen: list[FinishedVideo], entries: Mapping[str, archive.Entry]
) -> Outputs:
    folder = inputs.delivery_dir / inputs.project
    delivered = {video.stem: list(video.deliverables(deliver)) for video in chosen}
    handled = [video for video in inputs.videos if video.stem in delivered or video.stem in entries]
    listed = [_entry(video, entries.get(video.stem), folder, delivered.get(video.stem, [])) for video in handled]
    incomplete = [video.stem for video in inputs.videos if video.missing]
    left_out = tuple(_left_out(video, incomplete) for video in inputs.videos if video.stem not in delivered)
    listing = {
        "project": inputs.project,
        "folder": str(folder),
        "videos": listed,
        "left_out": [video.model_dump() for video in left_out],
    }
    return Outputs(
        delivery=write_json(inputs.out_dir / LISTING, listing),
        delivered=tuple(file["path"] for video in listed for file in video["delivered"]),
        archived=tuple(dict.fromkeys(str(entry.folder) for entry in entries.values())),
        left_out=left_out,
    )


def _left_out(video: FinishedVideo, incomplete: list[str]) -> LeftOut:
    if video.missing:
        reason = f"a step before did not finish, so it lacks {', '.join(video.missing)}"
    else:
        reason = f"finalize.deliver is all, and these videos did not finish: {', '.join(incomplete)}"
    return LeftOut(stem=video.stem, reason=reason)


def _entry(video: FinishedVideo, entry: archive.Entry | None, folder: Path, delivered: list[str]) -> dict:
    """The entry of one video in the listing."""
    return {
        "stem": video.stem,
        "source": str(video.source),
        "source_hash": entry.metadata.source_hash if entry else FileRecord.from_file(video.source).sha256,
        "video_hash": entry.metadata.video_hash if entry else FileRecord.from_file(video.converted).sha256,
        "delivered": [_record(folder / name) for name in delivered],
        "archived": [_record(entry.folder / name) for name in entry.metadata.files] if entry else [],
    }


def _record(path: Path) -> dict:
    return {"path": str(path), **FileRecord.from_file(path).model_dump()}


def _listing(outputs: Outputs) -> dict:
    return json.loads(outputs.delivery.read_text(encoding="utf-8"))
