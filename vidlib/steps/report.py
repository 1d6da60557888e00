"""report: what was found in one video, what a human should check, and what ran where.

Made from whatever the other steps left, also when one of them failed: a step whose files are missing, changed or
unreadable is reported as such, and the report is written all the same. The executed notebook is the report.
"""

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pydantic import ConfigDict, Field

from vidlib.errors import BrokenOutput, MediaError, VidlibError
from vidlib.files import write_json
from vidlib.params import Frozen
from vidlib.plots.pictures import boxes_of
from vidlib.progress import Report, quiet
from vidlib.results import stills, summary
from vidlib.results.exports import rttm, shots_json, speech_table
from vidlib.results.stills import Budget, Still
from vidlib.results.summary import FaceRow, ObjectRow, ReviewRow, ShotRow, SpeakerRow, StepRow, Summary
from vidlib.steps.base import Manifest, OutFile, ReviewItem, StepOutputs, location, with_manifest

if TYPE_CHECKING:
    import pandas as pd

NAME = "report"
VERSION = 2
NOTEBOOK = "09_report.ipynb"
PAGE = "report.html"
TOOLS = ("ffmpeg", "pillow", "matplotlib")

SUMMARY_FILE = "report.json"

KEY_FRAMES, TRACKS, DOUBTS = Budget(1_000_000, 320), Budget(500_000, 560), Budget(250_000, 264)
"""What the stills of each kind may take: the page, with all of them as base64, stays below 3 MB."""

MOST_TRACK_STILLS = 12

UNREADABLE = (VidlibError, OSError, ValueError, KeyError, TypeError)
"""What reading a damaged or unexpected file raises."""


class StepEvidence(Frozen):
    """What became of one step; ``folder`` and ``notebook`` are absolute."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    name: str
    status: Literal["done", "failed", "refused", "skipped", "cancelled"]
    folder: Path | None = None
    notebook: Path | None = None
    cached: bool = False
    seconds: float | None = None
    error: str | None = None
    remedy: str | None = None


class Evidence(Frozen):
    """What became of one video: the file that the report is made from."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    video: str
    source: str
    sha256: str
    project: str = ""
    run: str = ""
    steps: tuple[StepEvidence, ...]


class Inputs(Frozen):
    """What report reads, and where it writes."""

    evidence: Path = Field(description="JSON: the video and what became of each step")
    report_dir: Path = location("where the report will lie: its links to notebooks start there")
    out_dir: Path = location("the one folder this step may write to")


class Params(Frozen):
    """What a user may choose."""

    max_doubts: int = Field(20, ge=0, le=200, description="most doubtful moments that are listed")


class Outputs(StepOutputs):
    """The numbers of the report, and its pictures."""

    summary: OutFile = Field(description="JSON: all that the report says, with the names of the stills")
    stills: tuple[OutFile, ...] = Field(description="JPEG: key frames, faces, and what is doubtful")


@dataclass
class Found:
    """What could be read of the steps; None is what a step did not leave."""

    video: Path | None = None
    size: tuple[int, int] = (0, 0)
    n_frames: int | None = None
    has_audio: bool | None = None
    shots: tuple[ShotRow, ...] | None = None
    voices: tuple[SpeakerRow, ...] | None = None
    speech: "pd.DataFrame | None" = None
    speech_s: float | None = None
    tracks: "pd.DataFrame | None" = None
    middles: Sequence[Path] = ()
    faces: tuple[FaceRow, ...] | None = None
    objects: tuple[ObjectRow, ...] | None = None
    face_coverage: float | None = None
    doubts: list[tuple[str, ReviewItem]] = field(default_factory=list)


def verify(inputs: Inputs, outputs: Outputs) -> None:
    """The summary reads back, and every still that it names is there."""
    found = Summary.read(outputs.summary)
    rows = (*(found.shots or ()), *found.track_stills, *found.doubts)
    missing = {row.still for row in rows if row.still} - {str(p.relative_to(inputs.out_dir)) for p in outputs.stills}
    if missing:
        raise BrokenOutput(f"{outputs.summary} names stills that were not made: {', '.join(sorted(missing))}")


@with_manifest
def run(inputs: Inputs, params: Params, *, report: Report = quiet) -> Outputs:
    """Collect what the steps left into one summary, with stills of what it speaks of."""
    evidence = Evidence.model_validate_json(inputs.evidence.read_bytes())
    found = Found()
    steps = tuple(_step_row(step, found, inputs.report_dir) for step in evidence.steps)
    found.doubts = sorted(found.doubts, key=lambda said: said[1].confidence)[: params.max_doubts]
    page = _summarize(evidence, found, steps)
    try:
        pictures = _make_stills(page, found, inputs.out_dir, report)
    except MediaError as error:
        page, pictures = page.without_stills(str(error)), []
    text = write_json(inputs.out_dir / SUMMARY_FILE, page.model_dump(mode="json"))
    return Outputs(engine="Pillow", summary=text, stills=tuple(pictures))


def _step_row(step: StepEvidence, found: Found, report_dir: Path) -> StepRow:
    """What became of one step; what it left is added to ``found``."""
    row = StepRow(
        **step.model_dump(include={"name", "status", "cached", "seconds", "error", "remedy"}),
        notebook=step.notebook and os.path.relpath(step.notebook, report_dir),
    )
    if step.status != "done" or step.folder is None:
        return row
    try:
        return row.model_copy(update=_read_step(step.name, step.folder, found))
    except UNREADABLE as error:
        return row.model_copy(update={"status": "broken", "error": str(error)})


def _read_step(name: str, folder: Path, found: Found) -> dict[str, Any]:
    """Read a finished step into ``found``; what it ran on and with."""
    manifest = Manifest.read(folder)
    said = StepOutputs.model_validate({k: v for k, v in manifest.outputs.items() if k in StepOutputs.model_fields})
    if name in READERS:  # what is not read is not checked: extract may have left hundreds of gigabytes
        manifest.check(folder)
        READERS[name](folder, manifest.outputs, found)
    found.doubts += [(name, doubt) for doubt in said.doubts]
    return {
        **said.model_dump(include={"engine", "device", "fallback"}),
        "seconds": manifest.seconds,
        "tools": manifest.tools,
        "weights": manifest.weights,
    }


def _read_video(folder: Path, outputs: dict[str, Any], found: Found) -> None:
    found.size = outputs["width"], outputs["height"]
    found.n_frames, found.has_audio = outputs["frames"], outputs["has_audio"]
    found.video = folder / outputs["video"]


def _read_shots(folder: Path, outputs: dict[str, Any], found: Found) -> None:
    found.shots = summary.shot_rows(shots_json.read(folder / outputs["shots"]))


def _read_voices(folder: Path, outputs: dict[str, Any], found: Found) -> None:
    _read_turns(folder / outputs["turns"], folder / outputs["table"], found)
    found.speech_s = outputs["speech_s"]


def _read_turns(turns: Path, table: Path, found: Found) -> None:
    found.speech = speech_table.read(table).to_pandas()
    found.voices = summary.speaker_rows(rttm.read(turns))


def _read_faces(folder: Path, outputs: dict[str, Any], found: Found) -> None:
    import pandas as pd

    found.tracks = pd.read_parquet(folder / outputs["tracks"], columns=list(summary.TRACK_COLUMNS))
    found.faces, found.objects = summary.face_rows(found.tracks), summary.object_rows(found.tracks)
    found.face_coverage = outputs["face_coverage"]
    found.middles = [folder / name for name in outputs.get("middles", ())]
    _read_turns(folder / outputs["turns"], folder / outputs["speech"], found)  # instead of those that were only heard


READERS: dict[str, Callable[[Path, dict[str, Any], Found], None]] = {
    "convert": _read_video,
    "scenes": _read_shots,
    "audio": _read_voices,
    "tracking": _read_faces,
}
"""How to read what the report shows of a step: its folder, its outputs as recorded, and where to put them."""


def _summarize(evidence: Evidence, found: Found, steps: tuple[StepRow, ...]) -> Summary:
    width, height = found.size
    tracks = found.tracks
    page = Summary(
        **evidence.model_dump(include={"video", "project", "run", "source", "sha256"}),
        n_frames=found.n_frames,
        width=width or None,
        height=height or None,
        has_audio=found.has_audio,
        shots=found.shots,
        voices=found.voices,
        speech_s=found.speech_s,
        faces=found.faces,
        face_coverage=found.face_coverage,
        objects=found.objects,
        track_stills=() if tracks is None else summary.track_stills(tracks, MOST_TRACK_STILLS),
        coverage=summary.shares(found.n_frames or 0, found.speech, tracks),
        doubts=tuple(_doubt_row(step, doubt, found.n_frames or 0) for step, doubt in found.doubts),
        steps=steps,
    )
    return page if found.video else page.without_stills()


def _doubt_row(step: str, doubt: ReviewItem, n_frames: int) -> ReviewRow:
    """A row with a still of the frame that the doubt names, if the video has it."""
    still = f"stills/doubt-{doubt.frame:06}.jpg" if doubt.frame in range(n_frames) else None
    return ReviewRow(step=step, **doubt.model_dump(), still=still)


def _make_stills(page: Summary, found: Found, out_dir: Path, report: Report) -> list[Path]:
    """Make every picture that ``page`` names; the middles of shots are at hand where tracking has left them."""
    wanted: dict[str, Still] = {}
    for rows, budget in ((page.shots or (), KEY_FRAMES), (page.track_stills, TRACKS), (page.doubts, DOUBTS)):
        frames = {row.still: row.frame for row in rows if row.still}
        width, n_bytes = budget.each(len(frames), found.size[0] / max(1, found.size[1]))
        for name, frame in frames.items():
            boxes = boxes_of(found.tracks, frame) if rows is page.track_stills else ()
            wanted[name] = Still(frame, out_dir / name, width, n_bytes, boxes)
    at_hand = {shot.frame: file for shot, file in zip(page.shots or (), found.middles, strict=False)}
    made = []
    for file in stills.make(found.video, found.size, list(wanted.values()), at_hand):
        made.append(file)
        report(len(made), len(wanted))
    return made
