"""What changed between two results of a video: shots, turns of speakers, tracks."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from vidlib.api.evaluation import load_video
from vidlib.api.finished_run import Run
from vidlib.api.video import Video
from vidlib.api.workspace import Workspace
from vidlib.errors import UsageError
from vidlib.evaluation import load_results
from vidlib.timeline import nearest_frame

if TYPE_CHECKING:
    import pandas as pd

    from vidlib.evaluation.load_results import Results

Result = Run | Video | str | Path

MOVED_FRAMES = 12
"""A shot that begins up to half a second earlier or later is the same shot, moved."""

SAME_BOX = 0.5
"""Boxes whose intersection over union is at least this show the same thing: the usual threshold of detection."""

SHOWN = {
    "shots": ("boundary", "confidence"),
    "turns": ("speaker", "confidence"),
    "tracks": ("track_id", "label", "speaker"),
}
"""What is shown of each result beside its frames, as ``speaker_a`` and ``speaker_b``."""

JUDGED = {"shots": ("boundary",), "turns": ("speaker",), "tracks": ("label", "speaker")}
"""Those of them that make a change; a confidence alone does not."""


@dataclass(frozen=True)
class Comparison:
    """What changed from result ``a`` to ``b``: a row for each change, none for what is the same.

    ``change`` is added, removed, moved (other frames) or changed (other values); ``start_a``, ``stop_a``, ``start_b``
    and ``stop_b`` are frames, counted from 0, ``stop`` not included. ``missing`` names what could not be compared.
    """

    shots: "pd.DataFrame"
    turns: "pd.DataFrame"
    tracks: "pd.DataFrame"
    missing: tuple[str, ...] = ()

    def __repr__(self) -> str:
        return f"Comparison({', '.join(f'{name}: {len(getattr(self, name))} changes' for name in SHOWN)})"

    def _repr_html_(self) -> str:
        tables = self.tables().items()
        parts = [f"<h4>{name}: {len(rows)} changes</h4>{rows.to_html(index=False)}" for name, rows in tables]
        return "".join(parts) + "".join(f"<div>not compared: {escape(text)}</div>" for text in self.missing)

    def tables(self) -> "dict[str, pd.DataFrame]":
        """The changes of each kind: ``shots``, ``turns`` and ``tracks``."""
        return {name: getattr(self, name) for name in SHOWN}

    def as_json(self) -> dict[str, Any]:
        """All changes for programs: a list of objects for each kind, with null where one side has no value."""
        rows = {name: table.astype(object).where(table.notna(), None) for name, table in self.tables().items()}
        return {**{name: table.to_dict("records") for name, table in rows.items()}, "missing": list(self.missing)}


@dataclass(frozen=True)
class Item:
    """A shot, turn or track: its frames, ``stop`` not included, and what is shown of it."""

    start: int
    stop: int
    values: dict[str, Any]


def compare(a: Result, b: Result, *, workspace: str | Path | None = None) -> Comparison:
    """What changed between two results of a video, or of each video that two runs have in common.

    ``a`` and ``b`` are runs, videos, or folders with results: of a project or of the archive. A run or video is also
    named by its id or name in ``workspace``, a variant as ``VIDEO@VARIANT``. Raises UsageError where they have no video
    in common.
    """
    rows: dict[str, list[dict[str, Any]]] = {name: [] for name in SHOWN}
    missing = []
    for name, before, after in _pairs(a, b, Workspace(workspace)):
        for kind in SHOWN:
            lacking = [side for side, found in (("a", before), ("b", after)) if getattr(found, kind) is None]
            missing += [f"{kind} of {name}: there are none in {side}" for side in lacking]
            if not lacking:
                rows[kind] += [{"video": name, **row} for row in _changes(kind, before, after)]
    return Comparison(**{kind: _frame(kind, found) for kind, found in rows.items()}, missing=tuple(missing))


def _pairs(a: Result, b: Result, workspace: Workspace) -> "list[tuple[str, Results, Results]]":
    """The results of each video that ``a`` and ``b`` have in common, with its name."""
    a, b = (workspace.result(result) if isinstance(result, str | Path) else result for result in (a, b))
    if isinstance(a, Run) and isinstance(b, Run):
        by_content = {video.sha256: video for video in b.videos}
        both = [(video, by_content[video.sha256]) for video in a.videos if video.sha256 in by_content]
        if not both:
            raise UsageError(f"{a.id} and {b.id} have no video in common; expected two runs of the same video")
        return [(video.name, load_video(video), load_video(other)) for video, other in both]
    one, other = _only_video(a), _only_video(b)
    if isinstance(one, Video) and isinstance(other, Video) and one.sha256 != other.sha256:
        raise UsageError(f"{one.name} and {other.name} are different videos; expected two results of the same one")
    name = next((side.name for side in (one, other) if isinstance(side, Video)), str(a))
    stem = Path(name).stem
    return [(name, _found(one, stem, workspace), _found(other, stem, workspace))]


def _only_video(result: Run | Video | Path) -> Video | Path:
    """The only video of a run; a video, or the folder with results, as it is."""
    if not isinstance(result, Run):
        return result
    if len(result.videos) != 1:
        raise UsageError(f"run {result.id} has {len(result.videos)} videos; name one: run.videos[0]")
    return result.videos[0]


def _found(result: Video | Path, stem: str, workspace: Workspace) -> "Results":
    if isinstance(result, Video):
        return load_video(result)
    settings = workspace.settings
    folders = {"archive_dir": settings.archive, "work_dir": settings.work}
    return load_results.load_results(result, stem, **folders, docs_folder=settings.docs_folder)


def _changes(kind: str, before: "Results", after: "Results") -> Iterator[dict[str, Any]]:
    a, b = (ITEMS[kind](found) for found in (before, after))
    scores = _same_tracks(before, after, a, b) if kind == "tracks" else SCORES[kind](a, b)
    judged = [] if kind == "shots" and not (before.kinds_known and after.kinds_known) else JUDGED[kind]
    paired = _pair_up(scores)
    changes: list[tuple[str, Item | None, Item | None]] = [
        ("removed", item, None) for number, item in enumerate(a) if number not in paired
    ]
    changes += [("added", None, item) for number, item in enumerate(b) if number not in paired.values()]
    for x, y in ((a[i], b[j]) for i, j in paired.items()):
        # the end of a shot is the beginning of the next one, which has a row of its own
        if x.start != y.start or (kind != "shots" and x.stop != y.stop):
            changes.append(("moved", x, y))
        elif any(x.values[name] != y.values[name] for name in judged):
            changes.append(("changed", x, y))
    for change, before_it, after_it in sorted(changes, key=lambda row: min(item.start for item in row[1:] if item)):
        yield {"change": change, **_columns(before_it, "a"), **_columns(after_it, "b")}


def _columns(item: Item | None, side: str) -> dict[str, Any]:
    shown = {"start": item.start, "stop": item.stop, **item.values} if item else {}
    return {f"{name}_{side}": value for name, value in shown.items()}


def _frame(kind: str, rows: list[dict[str, Any]]) -> "pd.DataFrame":
    import pandas as pd

    whole = [f"{name}_{side}" for name in ("start", "stop") for side in "ab"]
    whole += [f"track_id_{side}" for side in "ab" if kind == "tracks"]
    values = [f"{name}_{side}" for name in SHOWN[kind] if name != "track_id" for side in "ab"]
    return pd.DataFrame(rows, columns=["video", "change", *whole, *values]).astype(dict.fromkeys(whole, "Int32"))


def _pair_up(scores: np.ndarray) -> dict[int, int]:
    """Rows and columns of ``scores`` (n, m) that belong together, each once: the highest score above 0 first."""
    paired: dict[int, int] = {}
    taken: set[int] = set()
    rows, columns = np.nonzero(scores > 0)
    for place in np.argsort(-scores[rows, columns], kind="stable"):
        row, column = int(rows[place]), int(columns[place])
        if row not in paired and column not in taken:
            paired[row] = column
            taken.add(column)
    return paired


def _edges(a: Sequence[Item], b: Sequence[Item]) -> tuple[np.ndarray, ...]:
    """First and last frames of ``a`` as columns, of ``b`` as rows."""
    (starts_a, stops_a), (starts_b, stops_b) = (
        np.array([(item.start, item.stop) for item in items], float).reshape(-1, 2).T for items in (a, b)
    )
    return starts_a[:, None], stops_a[:, None], starts_b, stops_b


def _same_shots(a: Sequence[Item], b: Sequence[Item]) -> np.ndarray:
    starts_a, _, starts_b, _ = _edges(a, b)
    return MOVED_FRAMES + 1 - np.abs(starts_a - starts_b)


def _same_turns(a: Sequence[Item], b: Sequence[Item]) -> np.ndarray:
    """Overlap as a share of both together; of two that overlap alike, the one with the same label."""
    starts_a, stops_a, starts_b, stops_b = _edges(a, b)
    overlap = np.minimum(stops_a, stops_b) - np.maximum(starts_a, starts_b)
    share = overlap / (np.maximum(stops_a, stops_b) - np.minimum(starts_a, starts_b))
    labels_a, labels_b = (np.array([item.values["speaker"] for item in items], object) for items in (a, b))
    return share + 0.5 * (labels_a[:, None] == labels_b) * (overlap > 0)


def _same_tracks(before: "Results", after: "Results", a: Sequence[Item], b: Sequence[Item]) -> np.ndarray:
    """In how many frames the boxes of two tracks lie on each other."""
    if before.tracks is None or after.tracks is None:
        return np.zeros((len(a), len(b)))
    columns = ["frame", "track_id", "bbox_xmin", "bbox_ymin", "bbox_width", "bbox_height"]
    rows = before.tracks[columns].merge(after.tracks[columns], on="frame", suffixes=("_a", "_b"))
    same = rows[_overlap(rows) >= SAME_BOX].groupby(["track_id_a", "track_id_b"]).size()
    place_a, place_b = ({item.values["track_id"]: n for n, item in enumerate(items)} for items in (a, b))
    scores = np.zeros((len(a), len(b)))
    for (track_a, track_b), n_frames in same.items():
        scores[place_a[track_a], place_b[track_b]] = n_frames
    return scores


def _overlap(rows: "pd.DataFrame") -> "pd.Series":
    """Intersection over union of the two boxes of each row."""
    sides = []
    for corner, size in (("bbox_xmin", "bbox_width"), ("bbox_ymin", "bbox_height")):
        stop = np.minimum(rows[f"{corner}_a"] + rows[f"{size}_a"], rows[f"{corner}_b"] + rows[f"{size}_b"])
        sides.append((stop - np.maximum(rows[f"{corner}_a"], rows[f"{corner}_b"])).clip(lower=0))
    shared = sides[0] * sides[1]
    areas = sum(rows[f"bbox_width_{side}"] * rows[f"bbox_height_{side}"] for side in "ab")
    return shared / (areas - shared)


def _shot_items(found: "Results") -> list[Item]:
    return [
        Item(shot.span.start, shot.span.stop, {"boundary": shot.boundary, "confidence": shot.confidence})
        for shot in found.shots or ()
    ]


def _turn_items(found: "Results") -> list[Item]:
    return [
        Item(
            nearest_frame(turn.start_s),
            max(nearest_frame(turn.stop_s), nearest_frame(turn.start_s) + 1),
            {"speaker": turn.speaker, "confidence": turn.confidence},
        )
        for turn in found.turns or ()
    ]


def _track_items(found: "Results") -> list[Item]:
    return [
        Item(
            int(rows.frame.min()) - 1,
            int(rows.frame.max()),
            {"track_id": int(track), "label": rows.label.iat[0], "speaker": _named(rows.speaker.iat[0])},
        )
        for track, rows in (() if found.tracks is None else found.tracks.groupby("track_id"))
    ]


def _named(speaker: Any) -> str | None:
    """A label, or None: pandas' missing values differ even from themselves."""
    return speaker if isinstance(speaker, str) else None


ITEMS = {"shots": _shot_items, "turns": _turn_items, "tracks": _track_items}
SCORES = {"shots": _same_shots, "turns": _same_turns}
