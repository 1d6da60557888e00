"""The shelf of reports as one HTML file: totals by month and project, and a search over all videos without a server.

The file needs no network. It holds one script, which its content policy names by its hash, and its links are relative.
"""

import base64
import hashlib
import json
import time
import unicodedata
from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from vidlib.files import write_text
from vidlib.localization import Localization
from vidlib.results import report_html, states
from vidlib.setting_types import Language

TEMPLATES = Path(__file__).with_name("shelf_page")

MAX_ROWS = 200
"""Rows that the page draws at once; a search shows the others."""

OPEN_PROJECTS = 30
"""Projects that are listed at once; more are folded."""

HOUR_S = 3600

UNFINISHED = frozenset(states.OF_VIDEO) - {"done", "running", states.ARCHIVED}
"""States of a video of which a step has no result."""

Key = TypeVar("Key", bound=Hashable)


@dataclass(frozen=True)
class Entry:
    """One video on the shelf, as its newest run left it at the POSIX time ``at``.

    ``problem`` is its first error, and ``href`` leads from the shelf to its report. ``faces`` is the share of its
    frames with a face, and ``known`` the share of its speech with a known speaker. None is what nobody knows.
    """

    name: str
    project: str
    sha256: str
    at: float
    state: str
    problem: str = ""
    href: str | None = None
    duration_s: float | None = None
    talk_s: float | None = None
    shots: int | None = None
    people: int | None = None
    speakers: int | None = None
    faces: float | None = None
    known: float | None = None
    doubts: int | None = None

    @property
    def month(self) -> tuple[int, int]:
        """The year and the month, in local time."""
        there = time.localtime(self.at)
        return there.tm_year, there.tm_mon


@dataclass(frozen=True)
class Total:
    """What some videos have together: their number and hours, and the averages over their time.

    ``doubts`` are the items to check in an hour of video.
    """

    videos: int
    hours: float
    failed: int
    faces: float | None
    known: float | None
    doubts: float | None

    @classmethod
    def from_entries(cls, entries: Sequence[Entry]) -> "Total":
        hours = sum(entry.duration_s or 0.0 for entry in entries) / HOUR_S
        checked_s = sum(entry.duration_s or 0.0 for entry in entries if entry.doubts is not None)
        n_doubts = sum(entry.doubts or 0 for entry in entries)
        return cls(
            videos=len(entries),
            hours=hours,
            failed=sum(entry.state in UNFINISHED for entry in entries),
            faces=_mean((entry.faces, entry.duration_s) for entry in entries),
            known=_mean((entry.known, entry.talk_s) for entry in entries),
            doubts=n_doubts / (checked_s / HOUR_S) if checked_s else None,
        )


def _mean(weighted: Iterable[tuple[float | None, float | None]]) -> float | None:
    """The mean of the known values, each with its weight.

    >>> _mean([(0.5, 3), (1.0, 1), (None, 7)])
    0.625
    """
    known = [(value, weight) for value, weight in weighted if value is not None and weight]
    return sum(value * weight for value, weight in known) / sum(weight for _value, weight in known) if known else None


def totals(entries: Iterable[Entry], key: Callable[[Entry], Key]) -> dict[Key, Total]:
    """The total of each group of entries with the same ``key``, in falling order of the key."""
    groups: dict[Key, list[Entry]] = defaultdict(list)
    for entry in entries:
        groups[key(entry)].append(entry)
    return {name: Total.from_entries(groups[name]) for name in sorted(groups, reverse=True)}  # type: ignore[type-var]


def script_source() -> str:
    """The only script of the page, as a content policy names it."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(_script().encode()).digest()).decode()}'"


def _script() -> str:
    return (TEMPLATES / "shelf.js").read_text(encoding="utf-8")


def write_shelf(file: Path, entries: Sequence[Entry], at: float, language: Language = "en") -> Path:
    """Write the page ``file`` atomically; ``at`` is the time of its making."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined
    from markupsafe import Markup

    words = Localization(language)
    env = Environment(loader=FileSystemLoader(TEMPLATES), autoescape=True, undefined=StrictUndefined)
    words.install(env)
    script = _script()
    styles = [report_html.TEMPLATES / "parts.css", report_html.TEMPLATES / "page.css", TEMPLATES / "shelf.css"]
    months, whole = totals(entries, lambda entry: entry.month), Total.from_entries(entries)
    projects = totals(entries, lambda entry: entry.project)
    page = env.get_template("index.html.j2").render(
        css=Markup("".join(style.read_text(encoding="utf-8") for style in styles)),
        script=Markup(script),
        script_source=Markup(script_source()),
        data=Markup(_data(entries, words)),
        whole=whole,
        months={words.month(*month): total for month, total in months.items()},
        most_doubts=max((total.doubts or 0 for total in months.values()), default=0) or 1,
        projects=dict(sorted(projects.items(), key=lambda item: _alphabetical(item[0]))),
        states={state: words.gettext(states.NAMES[state]) for state in ("done", "running", *sorted(UNFINISHED))},
        max_rows=MAX_ROWS,
        open_projects=OPEN_PROJECTS,
        at=at,
    )
    return write_text(file, page)


def _alphabetical(name: str) -> str:
    """A key that sorts letters with accents beside those without."""
    return unicodedata.normalize("NFD", name).casefold()


def _data(entries: Sequence[Entry], words: Localization) -> str:
    """The rows as JSON that no parser of HTML mistakes for markup, the newest first."""
    rows = [_row(entry, words) for entry in sorted(entries, key=lambda entry: -entry.at)]
    text = json.dumps(rows, ensure_ascii=False, separators=(",", ":"))
    return text.encode(errors="replace").decode().replace("<", "\\u003c")


def _row(entry: Entry, words: Localization) -> list[Any]:
    """One video for the script: what it shows and searches, as text in the language of the page."""
    return [
        entry.name,
        entry.project,
        entry.sha256,
        time.strftime("%Y-%m-%d %H:%M", time.localtime(entry.at)),
        entry.state,
        entry.problem,
        entry.href,
        "" if entry.duration_s is None else words.duration(entry.duration_s),
        entry.shots,
        entry.people,
        entry.speakers,
        "" if entry.faces is None else words.percent(entry.faces),
        entry.doubts,
    ]
