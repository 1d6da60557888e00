"""The report as HTML: the parts that its notebook displays, and the page made from the executed notebook.

The templates escape every foreign text (names, messages, labels). The page forbids scripts and external content, so a
file name can neither run code nor load anything.
"""

import base64
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import quote

from vidlib.files import write_text
from vidlib.results.summary import FaceRow, ShotRow, SpeakerRow, Summary
from vidlib.timeline import FPS, timecode

if TYPE_CHECKING:
    from IPython.display import HTML
    from jinja2 import Environment
    from matplotlib.figure import Figure

TEMPLATES = Path(__file__).with_name("report_page")

NOTEBOOK_ONLY = "notebook-only"
"""Tag of cells that explain the notebook and stay out of the page."""

Part = Literal["headline", "key_frames", "timeline", "voices", "transcript", "faces", "doubts", "steps"]

SECTIONS = {
    "key_frames": "Key frames",
    "timeline": "Timeline",
    "voices": "Speakers",
    "transcript": "What is said",
    "faces": "Faces and objects",
    "doubts": "To check",
    "steps": "What ran where",
}
"""The parts below the headline and their titles in the notebook."""

DENSE = 60
"""Number of shots above which key frames are smaller and without the names of boundaries."""

PROBLEMS = {
    "failed": "failed",
    "refused": "refused the video",
    "broken": "has missing or changed files",
    "cancelled": "was cancelled",
}
REMEDIES = {
    "failed": "Open the notebook of the step and fix its problem. Then run the video again; finished steps are kept.",
    "refused": "Open the file in a player, or ask for it again. It is damaged or not a video.",
    "broken": "Run the video again. Only this step is repeated.",
    "cancelled": "Run the video again. Finished steps are kept.",
    "skipped": "Nothing to do here. It runs once the step that it waits for succeeds.",
}
"""What to do about a step with this status."""


def part(name: Part, summary_file: Path) -> "HTML":
    """Render one part of the report for the notebook; the stills lie beside ``summary_file``."""
    from IPython.display import HTML

    summary = Summary.read(summary_file)
    template = _environment(summary_file.parent).get_template(f"{name}.html.j2")
    details = DETAILS[name](summary) if name in DETAILS else {}
    return HTML(template.render(s=summary, **details), metadata={"title": summary.video})


def write_page(notebook: Path, html: Path) -> Path:
    """Write the page ``html`` atomically from the executed report notebook: its prose and results, without code.

    The page needs no network and no other file. Its links are relative to its folder.
    """
    from vidlib.jupyter_import import nbformat

    from nbconvert import HTMLExporter  # isort: skip (nbconvert would import a slow grammar first)
    from traitlets.config import Config

    read = nbformat.read(notebook, as_version=4)
    exporter = HTMLExporter(
        config=Config(TagRemovePreprocessor={"enabled": True, "remove_cell_tags": {NOTEBOOK_ONLY}}),
        template_name="page",
        extra_template_basedirs=[str(TEMPLATES)],
        exclude_anchor_links=True,
        exclude_input=True,
    )
    page = {"title": _title(read), "css": (TEMPLATES / "page.css").read_text(encoding="utf-8")}
    body, _ = exporter.from_notebook_node(read, resources=page)
    return write_text(html, body)


def _title(notebook: Any) -> str:
    """The name of the video, from the metadata that `part` wrote."""
    outputs = (output for cell in notebook.cells for output in cell.get("outputs", ()))
    titles = (output.get("metadata", {}).get("text/html", {}).get("title") for output in outputs)
    return next(filter(None, titles), "vidlib report")


def _environment(folder: Path) -> "Environment":
    """Templates that escape every value and read stills from ``folder``."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    env = Environment(loader=FileSystemLoader(TEMPLATES / "parts"), autoescape=True, undefined=StrictUndefined)
    env.filters |= {
        "clock": _clock,
        "timecode": timecode,
        "percent": _percent,
        "uri": lambda name: _data_uri((folder / name).read_bytes(), "image/jpeg"),
        "href": lambda path: quote(path if path.startswith((".", "/")) else f"./{path}"),
    }
    return env


def _data_uri(data: bytes, kind: str) -> str:
    return f"data:{kind};base64,{base64.b64encode(data).decode()}"


def _clock(time_s: float) -> str:
    """``m:ss.s``.

    >>> _clock(59.96), _clock(5.04)
    ('1:00.0', '0:05.0')
    """
    tenths = round(time_s * 10)
    return f"{tenths // 600}:{tenths % 600 / 10:04.1f}"


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %"


def _headline(summary: Summary) -> dict[str, Any]:
    from markupsafe import Markup

    css = (TEMPLATES / "parts.css").read_text(encoding="utf-8")
    words = {"sections": SECTIONS, "problems": PROBLEMS, "remedies": REMEDIES}
    return {"css": Markup(css), "tiles": _tiles(summary), **words}


def _tiles(summary: Summary) -> dict[str, tuple[Any, str]]:
    """The numbers at the top: ``{name: (number, note)}``."""
    shots, voices, faces, objects = summary.shots, summary.voices, summary.faces, summary.objects
    unknown = ("–", "not known")
    tiles = {
        "Shots": shots is not None and (len(shots), _boundaries(shots)),
        "Speakers": voices is not None and (len(voices), _longest_speaker(voices)),
        "Talk time": summary.speech_s is not None and (_clock(summary.speech_s), _share_of_time(summary)),
        "Face coverage": faces is not None and (_percent(summary.face_coverage or 0.0), f"face tracks: {len(faces)}"),
        "Objects": objects is not None and (len(objects), _join_names(thing.label for thing in objects)),
        "To check": (len(summary.doubts), _join_names(dict.fromkeys(doubt.step for doubt in summary.doubts))),
    }
    return {name: tile or unknown for name, tile in tiles.items()}


def _boundaries(shots: Iterable[ShotRow]) -> str:
    counts = Counter(shot.boundary for shot in shots)
    return ", ".join(f"{counts[name]} × {name}" for name in ("cut", "dissolve", "fade") if counts[name])


def _longest_speaker(voices: Sequence[SpeakerRow]) -> str:
    return f"{max(voices, key=lambda voice: voice.talk_s).speaker} talks most" if len(voices) > 1 else ""


def _join_names(names: Iterable[str], most: int = 4) -> str:
    names = list(names)
    return ", ".join(names[:most]) + (", …" if len(names) > most else "")


def _share_of_time(summary: Summary) -> str:
    return f"{_percent((summary.speech_s or 0.0) / summary.duration_s)} of the video" if summary.duration_s else ""


def _key_frames(summary: Summary) -> dict[str, Any]:
    from vidlib.plots import style

    return {"colors": style.BOUNDARIES, "dense": DENSE}


def _voices(summary: Summary) -> dict[str, Any]:
    from vidlib.plots import style

    voices = summary.voices or ()
    return {
        "colors": style.speaker_colors(voice.speaker for voice in voices),
        "longest_s": max((voice.talk_s for voice in voices), default=0),
        "faces_of": {v.speaker: [f.track_id for f in summary.faces or () if f.speaker == v.speaker] for v in voices},
    }


def _transcript(summary: Summary) -> dict[str, Any]:
    from vidlib.plots import style
    from vidlib.results import transcript_html

    colors = style.speaker_colors(voice.speaker for voice in summary.voices or ())
    return {"text": transcript_html.render(summary.said or (), colors), "unsure": transcript_html.UNSURE}


def _timeline(summary: Summary) -> dict[str, Any]:
    from vidlib.plots import report

    shots, voices, faces = summary.shots, summary.voices, summary.faces
    if not summary.duration_s or all(group is None for group in (shots, voices, faces)):
        return {"picture": None}
    figure = timeline_figure(shots, voices, faces, summary.duration_s)
    return {"picture": _data_uri(report.svg(figure), "image/svg+xml")}


def timeline_figure(
    shots: Sequence[ShotRow] | None,
    voices: Sequence[SpeakerRow] | None,
    faces: Sequence[FaceRow] | None,
    duration_s: float,
) -> "Figure":
    """Shots, speakers and faces on one time axis; None is a group that is not known."""
    from vidlib.plots import report, style

    colors = style.speaker_colors(voice.speaker for voice in voices or ())

    def face_color(face: FaceRow) -> str:
        return colors.get(face.speaker, style.MUTED) if face.speaker else style.MUTED

    return report.timeline(
        None if shots is None else [((s.start / float(FPS), s.stop / float(FPS)), s.boundary) for s in shots],
        None if voices is None else [report.Row(v.speaker, colors[v.speaker], v.turns) for v in voices],
        None if faces is None else [report.Row(_face_name(f), face_color(f), f.speaking, f.seen) for f in faces],
        duration_s,
    )


def _face_name(face: FaceRow) -> str:
    return f"{face.speaker or ''}  {face.track_id}"


DETAILS = {
    "headline": _headline,
    "key_frames": _key_frames,
    "timeline": _timeline,
    "voices": _voices,
    "transcript": _transcript,
}
"""Further values for the template of a part."""
