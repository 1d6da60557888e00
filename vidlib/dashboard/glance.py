"""One video at a glance, as plain data: what its report shows, and what changed between two of its results."""

import base64
from collections.abc import Iterator, Sequence
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vidlib.dashboard.wording import readable
from vidlib.localization import Localization
from vidlib.results.review import FIRST
from vidlib.results.summary import Summary
from vidlib.runner.store.library import ResultOfRun
from vidlib.steps.report import SUMMARY_FILE
from vidlib.text import plain_message
from vidlib.timeline import smpte

if TYPE_CHECKING:
    import pandas as pd

SHOTS, PEOPLE = 24, 12
"""The most shots and people at a glance; the report has all of them."""


def of_report(folder: str, words: Localization) -> dict[str, Any]:
    """The parts ``shots``, ``people``, ``speakers`` and ``items`` of the report in ``folder``; empty without one."""
    try:
        summary = _summary(folder)
    except (OSError, ValueError):  # removed, or of another version
        return {}

    def at(frame: int) -> dict[str, Any]:
        return {"frame": frame, "time": smpte(summary.start + frame)}

    def still(name: str | None) -> str | None:
        return _still(Path(folder), name) if name else None

    return {
        "shots": [
            {"number": shot.number, **at(shot.start), "seconds": shot.length_s, "still": still(shot.still)}
            for shot in (summary.shots or ())[:SHOTS]
        ],
        "people": list(_people(summary, folder, at)),
        "speakers": [
            {"name": _name(summary, speaker.speaker), "seconds": speaker.talk_s, "turns": speaker.n_turns}
            for speaker in sorted(summary.voices or (), key=lambda row: -row.talk_s)
        ],
        "items": [
            {
                "step": item.step,
                "text": words.sentence(plain_message(item.message)),
                "alike": item.alike,
                "still": still(item.still),
                **(at(item.frame) if item.frame is not None else {"frame": None, "time": ""}),
            }
            for item in summary.doubts[:FIRST]
        ],
    }


def _people(summary: Summary, folder: str, at: Any) -> Iterator[dict[str, Any]]:
    for person in sorted(summary.people or (), key=lambda row: -row.n_frames)[:PEOPLE]:
        face = person.face
        yield {
            "number": person.person,
            "name": _name(summary, person.speaker) if person.speaker else None,
            "seconds": person.seen_s,
            **at(face.frame if face else person.first_frame),
            "still": _still(Path(folder), face.still) if face else None,
        }


def _name(summary: Summary, label: str) -> str:
    return readable(summary.names.get(label, label))


@lru_cache(maxsize=32)
def _summary(folder: str) -> Summary:
    return Summary.read(Path(folder) / SUMMARY_FILE)


def _still(folder: Path, name: str) -> str | None:
    """A still as an address that holds its bytes: at a glance, a page has few of them."""
    try:
        return f"data:image/jpeg;base64,{base64.b64encode((folder / name).read_bytes()).decode()}"
    except OSError:
        return None


def results_json(results: Sequence[ResultOfRun]) -> list[dict[str, Any]]:
    """The results of a video, each with its values of the parameters in which they differ."""
    values = [
        {f"{step}.{name}": value for step, params in result.params.items() for name, value in params.items()}
        for result in results
    ]
    names = sorted({name for each in values for name in each})
    differ = [name for name in names if len({repr(each.get(name)) for each in values}) > 1]
    return [
        {"run": result.run, "at": result.at, "variant": result.variant}
        | {"params": [f"{name} = {each[name]}" for name in differ if name in each]}
        for result, each in zip(results, values, strict=True)
    ]


def changes_json(kind: str, rows: "pd.DataFrame", most: int) -> dict[str, Any]:
    """The first changes of one kind (shots, turns or tracks) between two results, and their number."""
    shown = rows.head(most).astype(object).where(rows.notna(), None).to_dict("records")
    return {"kind": kind, "total": len(rows), "rows": [_change(row) for row in shown]}


def _change(row: dict[str, Any]) -> dict[str, Any]:
    return {"change": row["change"], "a": _side(row, "a"), "b": _side(row, "b")}


def _side(row: dict[str, Any], side: str) -> dict[str, Any] | None:
    if row[f"start_{side}"] is None:
        return None
    start, stop = int(row[f"start_{side}"]), int(row[f"stop_{side}"])
    values = [row.get(f"{name}_{side}") for name in ("boundary", "label", "speaker")]
    return {"frame": start, "time": smpte(start), "stop": smpte(stop), "text": " ".join(filter(None, values))}
