"""Report: the findings in one video, the items that a person should check, and the engines that ran.

It needs no complete set of results: it reports failed steps, and steps whose files are missing, changed or unreadable.
The executed notebook is the report.
"""

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pydantic import ConfigDict, Field

from vidlib.corrections.review import CheckedItem, is_checked
from vidlib.errors import BrokenOutput, MediaError, VidlibError
from vidlib.files import write_json
from vidlib.media.probe import probe_video
from vidlib.params import Frozen
from vidlib.plots.pictures import boxes_of
from vidlib.progress import Report, quiet
from vidlib.results import stills, summary
from vidlib.results.exports import people_json, rttm, shots_json, speech_table, words_table
from vidlib.results.review import Question, ReviewItem, questions
from vidlib.results.stills import Budget, Still
from vidlib.results.summary import ObjectRow, PersonRow, ReviewRow, ShotRow, SpeakerRow, StepRow, Summary, TrackStill
from vidlib.results.transcript_html import paragraphs
from vidlib.setting_types import Language
from vidlib.steps.base import Manifest, OutFile, StepOutputs, location, with_manifest
from vidlib.timeline import Word

if TYPE_CHECKING:
    import pandas as pd

NAME = "report"
VERSION = 4
NOTEBOOK = "09_report.ipynb"
PAGE = "report.html"
TOOLS = ("ffmpeg", "pillow", "matplotlib")

SUMMARY_FILE = "report.json"

KEY_FRAMES, TRACKS, REVIEW_ITEMS = Budget(1_000_000, 320), Budget(500_000, 560), Budget(250_000, 264)
FACES = Budget(250_000, 144)
"""Limits for the stills of each kind, so that the page with all of them in base64 stays below 3 MB."""

MAX_TRACK_STILLS = 12

MAX_REVIEW_ROWS = 500
"""Items to check in the page, about 0.25 MB; the player has all."""

UNREADABLE = (VidlibError, OSError, ValueError, KeyError, TypeError)
"""Errors from reading a damaged or unexpected file."""


class StepEvidence(Frozen):
    """The status of one step; ``folder`` and ``notebook`` are absolute paths."""

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
    """The input file of the report: one video, its steps, and the files of its delivery that are not processed."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    video: str
    source: str
    sha256: str
    project: str = ""
    run: str = ""
    language: Language = "en"
    steps: tuple[StepEvidence, ...]
    left_out: str = ""
    checked: tuple[CheckedItem, ...] = ()
    """Items that a person has looked at."""


class Inputs(Frozen):
    """Inputs of the step, and its output folder."""

    evidence: Path = Field(description="JSON: the video and the status of each step")
    report_dir: Path = location("final folder of the report, where its links to notebooks start")
    out_dir: Path = location("output folder of the step")


class Params(Frozen):
    """Choices of the user."""

    max_doubts: int = Field(20, ge=0, le=200, description="items to check that have a picture in the report")


class Outputs(StepOutputs):
    """The content of the report, and its pictures."""

    summary: OutFile = Field(description="JSON: the content of the report, with the names of the stills")
    stills: tuple[OutFile, ...] = Field(description="JPEG: key frames, faces, and items to check")


@dataclass
class Findings:
    """The readable results of the steps; None is a missing result."""

    video: Path | None = None
    size: tuple[int, int] = (0, 0)
    start: int = 0
    n_frames: int | None = None
    has_audio: bool | None = None
    shots: tuple[ShotRow, ...] | None = None
    voices: tuple[SpeakerRow, ...] | None = None
    names: dict[str, str] = field(default_factory=dict)
    speech: "pd.DataFrame | None" = None
    words: Sequence[Word] | None = None
    spoken: str = ""
    no_words: str | None = None
    tracks: "pd.DataFrame | None" = None
    key_frames: Sequence[Path] = ()
    people: tuple[PersonRow, ...] | None = None
    objects: tuple[ObjectRow, ...] | None = None
    track_stills: tuple[TrackStill, ...] = ()
    face_coverage: float | None = None
    doubts: list[tuple[str, ReviewItem]] = field(default_factory=list)
    decisions: set[str] = field(default_factory=set)
    unfit: dict[str, str] = field(default_factory=dict)


def verify(inputs: Inputs, outputs: Outputs) -> None:
    """Raise BrokenOutput unless the summary can be read and all its stills exist."""
    page = Summary.read(outputs.summary)
    missing = page.stills().keys() - {str(path.relative_to(inputs.out_dir)) for path in outputs.stills}
    if missing:
        raise BrokenOutput(f"{outputs.summary} names stills that were not made: {', '.join(sorted(missing))}")


@with_manifest
def run(inputs: Inputs, params: Params, *, report: Report = quiet) -> Outputs:
    """Collect the results of the steps in one summary, with stills."""
    evidence = Evidence.model_validate_json(inputs.evidence.read_bytes())
    findings = Findings()
    steps = tuple(_step_row(step, findings, inputs.report_dir) for step in evidence.steps)
    if evidence.left_out:
        findings.doubts.append(("delivery", ReviewItem(message=f"not processed: {evidence.left_out}")))
    findings.doubts = [
        entry for entry in findings.doubts if not is_checked(evidence.checked, entry[1].kind, entry[1].frame)
    ]
    page = _summarize(evidence, findings, steps, params.max_doubts)
    try:
        pictures = _make_stills(page, findings, inputs.out_dir, report)
    except MediaError as error:
        page, pictures = page.without_stills(str(error)), []
    text = write_json(inputs.out_dir / SUMMARY_FILE, page.model_dump(mode="json"))
    return Outputs(engine="Pillow", summary=text, stills=tuple(pictures))


def _step_row(step: StepEvidence, findings: Findings, report_dir: Path) -> StepRow:
    """The row of one step; its results are added to ``findings``."""
    row = StepRow(
        **step.model_dump(include={"name", "status", "cached", "seconds", "error", "remedy"}),
        notebook=os.path.relpath(step.notebook, report_dir) if step.notebook else None,
    )
    if step.status != "done" or step.folder is None:
        return row
    try:
        return row.model_copy(update=_read_step(step.name, step.folder, findings))
    except UNREADABLE as error:
        return row.model_copy(update={"status": "broken", "error": str(error)})


def _read_step(name: str, folder: Path, findings: Findings) -> dict[str, Any]:
    """Add the results of a finished step to ``findings``; returns its engine, device, time and versions."""
    manifest = Manifest.read(folder)
    common = StepOutputs.model_validate({k: v for k, v in manifest.outputs.items() if k in StepOutputs.model_fields})
    if name in READERS:  # other files are not verified: those of extract may have hundreds of gigabytes
        manifest.check(folder)
        READERS[name](folder, manifest.outputs, findings)
    findings.doubts += [(name, item) for item in common.doubts]
    findings.decisions |= manifest.corrections
    findings.unfit |= manifest.outputs.get("unfit", {})
    return {
        **common.model_dump(include={"engine", "device", "fallback"}),
        "seconds": manifest.seconds,
        "tools": manifest.tools,
        "weights": manifest.weights,
    }


def _read_video(folder: Path, outputs: dict[str, Any], findings: Findings) -> None:
    findings.size = outputs["width"], outputs["height"]
    findings.n_frames, findings.has_audio = outputs["frames"], outputs["has_audio"]
    findings.video = folder / outputs["video"]
    with suppress(MediaError):  # the stills will say so
        findings.start = probe_video(findings.video).start_frame


def _read_shots(folder: Path, outputs: dict[str, Any], findings: Findings) -> None:
    findings.shots = summary.shot_rows(shots_json.read(folder / outputs["shots"]))


def _read_speakers(folder: Path, outputs: dict[str, Any], findings: Findings) -> None:
    _read_turns(folder / outputs["turns"], folder / outputs["table"], findings)
    findings.words = words_table.read(folder / outputs["words"]) if outputs.get("words") else []
    findings.spoken, findings.no_words = outputs.get("language", ""), outputs.get("no_words")


def _read_turns(turns: Path, table: Path, findings: Findings) -> None:
    findings.speech = speech_table.read(table).to_pandas()
    heard = rttm.read(turns)
    findings.voices = summary.speaker_rows(heard)
    if findings.words:
        findings.words = words_table.with_speakers(findings.words, heard)


def _read_faces(folder: Path, outputs: dict[str, Any], findings: Findings) -> None:
    import pandas as pd

    findings.tracks = pd.read_parquet(folder / outputs["tracks"], columns=list(summary.TRACK_COLUMNS))
    people = people_json.read(folder / outputs["people"])
    findings.people = summary.person_rows(people, findings.tracks)
    findings.names = outputs.get("names", {})
    findings.track_stills = summary.track_stills(findings.tracks, people, MAX_TRACK_STILLS)
    findings.objects = summary.object_rows(findings.tracks)
    findings.face_coverage = outputs["face_coverage"]
    findings.key_frames = [folder / name for name in outputs.get("key_frames", ())]
    _read_turns(
        folder / outputs["turns"], folder / outputs["speech"], findings
    )  # they replace the turns of the audio step


READERS: dict[str, Callable[[Path, dict[str, Any], Findings], None]] = {
    "convert": _read_video,
    "scenes": _read_shots,
    "audio": _read_speakers,
    "tracking": _read_faces,
}
"""Readers of a step's results: they get its folder, its recorded outputs, and the findings to fill."""


def _summarize(evidence: Evidence, findings: Findings, steps: tuple[StepRow, ...], max_doubts: int) -> Summary:
    width, height = findings.size
    tracks = findings.tracks
    n_frames = findings.n_frames or 0
    asked = questions(findings.doubts, n_frames or 1)
    page = Summary(
        **evidence.model_dump(include={"video", "project", "run", "source", "sha256", "language"}),
        start=findings.start,
        n_frames=findings.n_frames,
        width=width or None,
        height=height or None,
        has_audio=findings.has_audio,
        shots=findings.shots,
        voices=findings.voices,
        names=findings.names,
        talk_s=None if findings.speech is None else summary.talk_s(findings.speech),
        transcript=None if findings.words is None else paragraphs(findings.words),
        spoken=findings.spoken,
        no_words=findings.no_words,
        people=findings.people,
        face_coverage=findings.face_coverage,
        objects=findings.objects,
        track_stills=findings.track_stills,
        coverage=summary.shares(n_frames, findings.speech, tracks),
        doubts=tuple(
            _review_row(one, n_frames if number < max_doubts else 0)
            for number, one in enumerate(asked[:MAX_REVIEW_ROWS])
        ),
        n_doubts=len(asked),
        steps=steps,
        decisions=len(findings.decisions - findings.unfit.keys()),
        unfit=tuple(findings.unfit.values()),
    )
    return page if findings.video else page.without_stills()


def _review_row(question: Question, n_frames: int) -> ReviewRow:
    """A row for an item, with a still of its frame if that is one of the first ``n_frames``."""
    item, *others = question.items
    return ReviewRow(
        **item.model_dump(include={"message", "frame", "confidence", "frames"}),
        step=question.step,
        still=f"stills/doubt-{item.frame:06}.jpg" if item.frame in range(n_frames) else None,
        alike=len(others),
        also=sorted({other.frame for other in others if other.frame is not None}),
    )


def _make_stills(page: Summary, findings: Findings, out_dir: Path, report: Report) -> list[Path]:
    """Write every picture that ``page`` names; the key frames come from the tracking step."""
    if findings.video is None:
        return []
    wanted = list(_wanted_stills(page, findings, out_dir))
    key_frames = {shot.frame: file for shot, file in zip(page.shots or (), findings.key_frames, strict=False)}
    made = []
    for file in stills.make(findings.video, findings.size, wanted, key_frames):
        made.append(file)
        report(len(made), len(wanted))
    return made


def _wanted_stills(page: Summary, findings: Findings, out_dir: Path) -> Iterator[Still]:
    """The pictures that ``page`` names, each once; those of tracks and of items to check have boxes."""
    aspect = findings.size[0] / max(1, findings.size[1])
    for rows, budget in ((page.shots or (), KEY_FRAMES), (page.track_stills, TRACKS), (page.doubts, REVIEW_ITEMS)):
        frames = {row.still: row.frame for row in rows if row.still and row.frame is not None}
        width, n_bytes = budget.each(len(frames), aspect)
        for name, frame in frames.items():
            has_boxes = budget is not KEY_FRAMES and findings.tracks is not None
            boxes = boxes_of(findings.tracks, frame) if has_boxes else ()
            yield Still(frame, out_dir / name, width, n_bytes, boxes)
    faces = [person.face for person in page.people or () if person.face]
    width, n_bytes = FACES.each(len(faces), 1.0)
    yield from (Still(face.frame, out_dir / face.still, width, n_bytes, square=face.square) for face in faces)
