"""The report as HTML: the parts that its notebook displays, and the page made from the executed notebook.

The templates escape every foreign text (names, messages, labels). The page forbids scripts and external content, so a
file name can neither run code nor load anything.
"""

import base64
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import quote

from vidlib.files import write_text
from vidlib.localization import ENGLISH, Localization
from vidlib.localization import gettext_noop as _
from vidlib.results import states
from vidlib.results.review import FIRST
from vidlib.results.summary import MIN_FRAMES, PersonRow, ShotRow, SpeakerRow, Summary
from vidlib.timeline import FPS, smpte

if TYPE_CHECKING:
    from IPython.display import HTML
    from jinja2 import Environment
    from matplotlib.figure import Figure

TEMPLATES = Path(__file__).with_name("report_page")

NOTEBOOK_ONLY = "notebook-only"
"""Tag of cells that explain the notebook and stay out of the page."""

Part = Literal["headline", "timeline", "people", "transcript", "doubts", "key_frames", "faces", "steps"]

SECTIONS = {
    "timeline": _("Timeline"),
    "people": _("People and speakers"),
    "transcript": _("Transcript"),
    "doubts": _("To check"),
    "key_frames": _("Key frames"),
    "faces": _("Faces and objects"),
    "steps": _("What ran where"),
}
"""The parts below the headline and their titles."""

DENSE = 60
"""Number of shots above which key frames are smaller and without the names of boundaries."""

OPEN_PEOPLE = 24
"""Rows of people that are open at first; the others are folded."""

PLAYER = "../../../../video?sha256={sha256}#frame={frame}"
"""The address of a frame (from 0) in the player of the dashboard, seen from a report that the dashboard serves."""

PROBLEMS = {
    "failed": _("{step} failed"),
    "refused": _("{step} refused the video"),
    "broken": _("{step} has missing or changed files"),
    "cancelled": _("{step} was cancelled"),
}
REMEDIES = {
    "failed": _(
        "Open the notebook of the step and fix its problem. Then run the video again; finished steps are kept."
    ),
    "refused": _("Open the file in a player, or ask for it again. It is damaged or not a video."),
    "broken": _("Run the video again. Only this step is repeated."),
    "cancelled": _("Run the video again. Finished steps are kept."),
    "skipped": _("Nothing to do here. It runs once the step that it waits for succeeds."),
}
"""What to do about a step with this status."""

BOUNDARIES = {"start": _("start"), "cut": _("cut"), "dissolve": _("dissolve"), "fade": _("fade")}


def part(name: Part, summary_file: Path) -> "HTML":
    """Render one part of the report for the notebook; the stills lie beside ``summary_file``."""
    from IPython.display import HTML

    summary = Summary.read(summary_file)
    words = Localization(summary.language)
    template = _environment(summary, summary_file.parent, words).get_template(f"{name}.html.j2")
    details = DETAILS[name](summary, words) if name in DETAILS else {}
    html = template.render(s=summary, id=name, title=SECTIONS.get(name), **details)
    return HTML(html, metadata={"title": summary.video, "language": summary.language})


def write_page(notebook: Path, html: Path) -> Path:
    """Write the page ``html`` atomically from the executed report notebook: its results, without code.

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
    page = {"title": _metadata(read, "title") or "vidlib report", "language": _metadata(read, "language") or "en"}
    css = (TEMPLATES / "page.css").read_text(encoding="utf-8")
    body, _resources = exporter.from_notebook_node(read, resources={**page, "css": css})
    return write_text(html, body)


def served_page(page: str) -> str:
    """The page for a browser that the dashboard serves: its links into the player can be seen."""
    return page.replace("<html ", '<html class="vr-served" ', 1)


def delivered_page(page: str) -> str:
    """The page for somebody who has no other result: without links to notebooks, the player, and our folders."""
    page = re.sub(_element("a", "vr-player|vr-open-notebook") + "|" + _element("span", "vr-path"), "", page)
    return re.sub(_element("a", "vr-notebook"), r"\g<vr_notebook>", page)


def _element(tag: str, classes: str) -> str:
    """A pattern for an element of the page, which has its content as a group of the same name."""
    group = re.sub(r"\W", "_", classes)
    return rf'(?s:<{tag} [^>]*class="(?:{classes})"[^>]*>(?P<{group}>.*?)</{tag}>)'


def _metadata(notebook: Any, name: str) -> str | None:
    """What `part` wrote about the video."""
    outputs = (output for cell in notebook.cells for output in cell.get("outputs", ()))
    found = (output.get("metadata", {}).get("text/html", {}).get(name) for output in outputs)
    return next(filter(None, found), None)


def _environment(summary: Summary, folder: Path, words: Localization) -> "Environment":
    """Templates that escape every value and read stills from ``folder``."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    env = Environment(loader=FileSystemLoader(TEMPLATES / "parts"), autoescape=True, undefined=StrictUndefined)
    words.install(env)
    env.filters |= {
        "smpte": lambda frame: smpte(summary.start + frame),
        "frame": lambda time_s: round(time_s * FPS),
        "uri": lambda name: _data_uri((folder / name).read_bytes(), "image/jpeg"),
        "href": lambda path: quote(path if path.startswith((".", "/")) else f"./{path}"),
        "named": lambda label: summary.names.get(label, label),
        "person": lambda person: _name(person, summary.names, words),
        "player": lambda frame: PLAYER.format(sha256=summary.sha256, frame=frame),
    }
    env.globals |= {"problems": PROBLEMS, "remedies": REMEDIES, "statuses": states.NAMES, "boundaries": BOUNDARIES}
    env.globals["first_items"] = FIRST
    return env


def _data_uri(data: bytes, kind: str) -> str:
    return f"data:{kind};base64,{base64.b64encode(data).decode()}"


def _headline(summary: Summary, words: Localization) -> dict[str, Any]:
    from markupsafe import Markup

    css = (TEMPLATES / "parts.css").read_text(encoding="utf-8")
    return {"css": Markup(css), "tiles": _tiles(summary, words), "sections": SECTIONS}


def _tiles(summary: Summary, words: Localization) -> dict[str, tuple[Any, str]]:
    """The numbers at the top: ``{name: (number, note)}``."""
    shots, voices, people, talk_s = summary.shots, summary.voices, listed_people(summary), summary.talk_s
    unknown = ("–", words.gettext("not known"))
    tiles = {
        _("Shots"): shots is not None and (words.number(len(shots)), _boundaries(shots, words)),
        _("People"): people is not None and (words.number(len(people)), _faces_note(summary, words)),
        _("Speakers"): voices is not None and (words.number(len(voices)), _longest_speaker(summary, words)),
        _("Talk time"): talk_s is not None and (words.duration(talk_s), _share_of_time(summary, words)),
        _("To check"): (words.number(summary.n_doubts), _join_names(_steps_to_check(summary))),
    }
    return {words.gettext(name): tile or unknown for name, tile in tiles.items()}


def _boundaries(shots: Iterable[ShotRow], words: Localization) -> str:
    counts: Counter[str] = Counter(shot.boundary for shot in shots)
    names = ("cut", "dissolve", "fade")
    return ", ".join(f"{counts[name]} × {words.gettext(name)}" for name in names if counts[name])


def _faces_note(summary: Summary, words: Localization) -> str:
    return words.gettext(_("a face in %(share)s of the video"), share=words.percent(summary.face_coverage or 0.0))


def _longest_speaker(summary: Summary, words: Localization) -> str:
    if summary.voices is None or len(summary.voices) < 2:
        return ""
    longest = max(summary.voices, key=lambda voice: voice.talk_s).speaker
    return words.gettext(_("%(speaker)s talks most"), speaker=summary.names.get(longest, longest))


def _steps_to_check(summary: Summary) -> list[str]:
    return list(dict.fromkeys(doubt.step for doubt in summary.doubts))


def _join_names(names: Iterable[str], most: int = 4) -> str:
    names = list(names)
    return ", ".join(names[:most]) + (", …" if len(names) > most else "")


def _share_of_time(summary: Summary, words: Localization) -> str:
    if not summary.duration_s:
        return ""
    share = words.percent((summary.talk_s or 0.0) / summary.duration_s)
    return words.gettext(_("%(share)s of the video"), share=share)


def _key_frames(summary: Summary, words: Localization) -> dict[str, Any]:
    from vidlib.plots import style

    return {"colors": style.BOUNDARIES, "dense": DENSE}


@dataclass(frozen=True)
class Voice:
    """A speaker with the people who have this voice; one of both may be missing."""

    speaker: SpeakerRow | None
    people: tuple[PersonRow, ...]


def by_voice(voices: Sequence[SpeakerRow], people: Sequence[PersonRow]) -> list[Voice]:
    """Every speaker, the longest talk time first, with his or her faces; then people without a voice, by length."""
    longest = sorted(voices, key=lambda voice: -voice.talk_s)
    visible = sorted(people, key=lambda person: -person.n_frames)
    heard = [Voice(voice, tuple(one for one in visible if one.speaker == voice.speaker)) for voice in longest]
    known = {voice.speaker for voice in voices}
    return heard + [Voice(None, (person,)) for person in visible if person.speaker not in known]


def listed_people(summary: Summary) -> tuple[PersonRow, ...] | None:
    """The people who are visible long enough for the page."""
    return summary.people and tuple(person for person in summary.people if person.n_frames >= MIN_FRAMES)


def _people(summary: Summary, words: Localization) -> dict[str, Any]:
    from vidlib.plots import style

    voices, people = summary.voices or (), listed_people(summary) or ()
    return {
        "colors": style.speaker_colors(voice.speaker for voice in voices),
        "longest_s": max((voice.talk_s for voice in voices), default=0),
        "rows": [
            (person, voice.speaker, index == 0)
            for voice in by_voice(voices, people)
            for index, person in enumerate(voice.people or (None,))
        ],
        "open_rows": OPEN_PEOPLE,
        "n_brief": len(summary.people or ()) - len(people),
        "min_frames": MIN_FRAMES,
    }


def _transcript(summary: Summary, words: Localization) -> dict[str, Any]:
    from vidlib.plots import style
    from vidlib.results import transcript_html

    colors = style.speaker_colors(voice.speaker for voice in summary.voices or ())
    rows, unknown = summary.transcript or (), words.gettext(_("unknown"))
    text = transcript_html.render(rows, colors, summary.names, summary.start, unknown)
    return {"text": text, "unsure": transcript_html.UNSURE}


def _faces(summary: Summary, words: Localization) -> dict[str, Any]:
    return {"objects": [one for one in summary.objects or () if one.n_frames >= MIN_FRAMES]}


def _timeline(summary: Summary, words: Localization) -> dict[str, Any]:
    from vidlib.plots import report

    shots, voices, people = summary.shots, summary.voices, listed_people(summary)
    if not summary.duration_s or all(group is None for group in (shots, voices, people)):
        return {"picture": None}
    figure = timeline_figure(shots, voices, people, summary.duration_s, words, summary.names)
    return {"picture": _data_uri(report.svg(figure), "image/svg+xml")}


def timeline_figure(
    shots: Sequence[ShotRow] | None,
    voices: Sequence[SpeakerRow] | None,
    people: Sequence[PersonRow] | None,
    duration_s: float,
    words: Localization = ENGLISH,
    names: Mapping[str, str] = MappingProxyType({}),
) -> "Figure":
    """Shots, speakers and people on one time axis; None is a group that is not known."""
    from vidlib.plots import report, style

    colors = style.speaker_colors(voice.speaker for voice in voices or ())
    groups = by_voice(voices or (), people or ())
    heard = [
        report.Row(names.get(voice.speaker, voice.speaker), colors[voice.speaker], voice.turns)
        for voice in (group.speaker for group in groups)
        if voice
    ]
    visible = [
        report.Row(_name(one, names, words), colors.get(one.speaker or "", style.MUTED), one.speaking, one.seen)
        for group in groups
        for one in group.people
    ]
    return report.timeline(
        None if shots is None else [((s.start / float(FPS), s.stop / float(FPS)), s.boundary) for s in shots],
        None if voices is None else heard,
        None if people is None else visible,
        duration_s,
        words.gettext,
    )


def _name(person: PersonRow, names: Mapping[str, str], words: Localization) -> str:
    """The name that people gave, or else the number."""
    if name := names.get(person.speaker or ""):
        return name
    return words.gettext(_("Person %(number)s"), number=person.person)


DETAILS = {
    "headline": _headline,
    "timeline": _timeline,
    "people": _people,
    "transcript": _transcript,
    "key_frames": _key_frames,
    "faces": _faces,
}
"""Further values for the template of a part."""
