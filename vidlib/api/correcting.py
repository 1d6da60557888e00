"""Corrections of a video by API and command: what a person decided, what of it counts, and what it would change."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from vidlib.api.results import VideoResults
from vidlib.corrections import review, shots, store, tracks, turns
from vidlib.corrections.actions import Action, CheckedItem, Correction, Decision, active, for_step, parse, undone
from vidlib.corrections.anchors import anchor_speaker, anchor_track
from vidlib.errors import UnknownName, UsageError
from vidlib.results.exports import rttm, shots_json
from vidlib.steps.corrected import corrections_of
from vidlib.text import printable
from vidlib.timeline import Shot, Turns

if TYPE_CHECKING:
    import pandas as pd

    from vidlib.api.video import Video
    from vidlib.corrections.tracks import FaceTracks
    from vidlib.settings import Settings

CORRECTED = ("scenes", "audio", "tracking")
"""The steps that apply corrections."""

NEW = "new"
"""The speaker in ``set-speaker`` who has no label yet."""

COLUMNS = ("id", "action", "fields", "by", "at", "state", "reason")


@dataclass(frozen=True)
class Preview:
    """The ``results`` of a video with the decisions of ``corrections`` that they do not have yet.

    ``unfit`` is filled while the parts are read: the ids of decisions that do not fit, with the reason.
    """

    results: VideoResults
    corrections: tuple[Correction, ...]
    unfit: dict[str, str] = field(default_factory=dict)

    def pending(self, step: str) -> list[Decision]:
        """The decisions that ``step`` has not applied; raises UsageError where it left no result."""
        self.results.with_steps((step,))
        known = applied(self.results, step)
        return [one for one in for_step(self.corrections, step) if one.id not in known]

    @cached_property
    def n_frames(self) -> int:
        return self.results.with_steps(("convert",)).outputs("convert")["frames"]

    @cached_property
    def shots(self) -> list[Shot]:
        """The shots, as corrected."""
        pending = self.pending("scenes")
        changed, unfit = shots.apply(shots_json.read(self.results.needed_file("scenes", "shots")), pending)
        self.unfit.update(unfit)
        return changed

    @cached_property
    def labelled_turns(self) -> Turns:
        """The turns, as corrected, with the labels of speakers whose name is not applied yet."""
        pending = self.pending("tracking")
        changed, unfit = turns.apply(rttm.read(self.results.needed_file("tracking", "turns")), pending)
        self.unfit.update(unfit)
        return changed

    @cached_property
    def names(self) -> dict[str, str]:
        """``{label: name}``: the names that are not applied yet."""
        names, unfit = turns.find_names(self.labelled_turns, self.pending("tracking"))
        self.unfit.update(unfit)
        return names

    @property
    def turns(self) -> Turns:
        """The turns, as corrected, with names."""
        return turns.rename(self.labelled_turns, self.names)

    @cached_property
    def faces(self) -> "FaceTracks":
        """The faces, as corrected: boxes, people, and when they speak."""
        from vidlib.results import faces

        pending = self.pending("tracking")
        found = faces.read(*(self.results.needed_file("tracking", name) for name in ("tracks", "people")))
        self.unfit.update(tracks.apply(found, pending))
        return found


def applied(results: VideoResults, step: str) -> set[str]:
    """The ids of the corrections in the result of ``step``."""
    return results.manifests[step].corrections if step in results.manifests else set()


def applied_corrections(video: "Video", results: VideoResults) -> list[Correction]:
    """The corrections that ``results`` have."""
    ids = corrections_of(results.folders.values())
    return [one for one in video.all_corrections() if one.id in ids] if ids else []


def preview(video: "Video") -> Preview:
    """What the corrections of a video make of its results; raises UsageError where it has none."""
    if (results := video.results_at_hand()) is None:
        raise UsageError(f"{video.name} has no results to correct; run: vidlib run {video.path or video.name}")
    return Preview(results, tuple(active(video.all_corrections())))


def resolve(preview: Preview, action: str, fields: Mapping[str, Any]) -> Action:
    """The decision, with the moment that it is about; raises UsageError where the results have no such thing."""
    anchors: dict[str, Any] = {}
    values = dict(fields)
    if values.get("speaker") == NEW and action.replace("_", "-") == "set-speaker":
        values["speaker"] = turns.new_label(preview.labelled_turns)
    decision = parse(action, values)
    for name in ("speaker", "other"):
        if isinstance(value := getattr(decision, name, None), str):
            new = name == "speaker" and fields.get(name) == NEW
            anchors[f"{name}_at"] = anchor_speaker((), "") if new else _anchor_speaker(preview, value)
    for name in ("track", "other"):
        if isinstance(value := getattr(decision, name, None), int):
            anchors[f"{name}_at"] = anchor_track(_boxes_of(preview, value))
    decision = decision.model_copy(update=anchors)
    _check_frames(preview, decision)
    _check_fits(preview, decision)
    return decision


def _anchor_speaker(preview: Preview, speaker: str) -> Any:
    heard = preview.labelled_turns
    names = preview.names | preview.results.outputs("tracking").get("names", {})
    labels = [speaker, names.get(speaker, ""), *(label for label, name in names.items() if name == speaker)]
    for label in labels:
        if (anchor := anchor_speaker(heard, label)).spans:
            return anchor
    raise UnknownName("a speaker of this video", speaker, {*heard.speakers, *names.values()})


def _boxes_of(preview: Preview, track: int) -> Any:
    present = preview.faces.boxes.keys() - preview.faces.removed
    if track not in present:
        raise UnknownName("a face of this video", str(track), [str(number) for number in sorted(present)])
    return preview.faces.boxes[track]


def _check_frames(preview: Preview, decision: Action) -> None:
    for name in ("frame", "to", "start", "stop"):
        value = getattr(decision, name, 0)
        if value > preview.n_frames - (name != "stop"):
            raise UsageError(f"{name} = {value} is not in the video, which has {preview.n_frames} frames from 0 on")
    width = preview.results.outputs("convert")["width"]
    if (centre := getattr(decision, "centre", None)) is not None and centre >= width:
        raise UsageError(f"centre = {centre} is not in the picture, which is {width} pixels wide")


def _check_fits(preview: Preview, decision: Action) -> None:
    """Raise UsageError where the decision does not fit the results as they are corrected so far."""
    one = [Decision(id="", decision=decision)]
    unfit: dict[str, str] = {}
    if "scenes" in decision.steps:
        _check_boundary(preview.shots, decision)
        unfit |= shots.apply(preview.shots, one)[1]
    if "audio" in decision.steps:
        unfit |= turns.apply(preview.labelled_turns, one)[1]
    if hasattr(decision, "track"):
        unfit |= tracks.apply(preview.faces.copy(), one)
    if unfit:
        raise UsageError(f"{decision.action} {decision.as_text()}: {unfit['']}")


def _check_boundary(found: list[Shot], decision: Action) -> None:
    frame = getattr(decision, "frame")  # noqa: B009  (all decisions about boundaries have one)
    starts = [shot.span.start for shot in found]
    if decision.action != "add-cut" and shots.nearest_boundary(starts, frame) is None:
        nearest = min(starts[1:], key=lambda start: abs(start - frame), default=None)
        hint = f"the nearest one begins at {nearest}" if nearest else "the video is one shot"
        raise UsageError(f"no shot begins at frame {frame}; {hint}")
    if decision.action == "add-cut" and frame in starts:
        raise UsageError(f"a shot begins at frame {frame} already; to change how: set-kind {frame} dissolve")


def correct(video: "Video", action: str, fields: Mapping[str, Any]) -> Correction:
    """Record one decision about a video."""
    seen = preview(video)
    decision = resolve(seen, action, fields)
    items = [item for item, track in _items(seen.results) if review.answers(decision, item.kind, item.frame, track)]
    return store.append(video.settings.corrections, video.sha256, decision, video.settings.person, items)


def _items(results: VideoResults) -> Iterator[tuple[CheckedItem, int | None]]:
    """What there is to check in results, with the track in question."""
    for step in CORRECTED:
        for doubt in results.outputs(step).get("doubts", ()):
            if doubt["frame"] is not None:
                item = CheckedItem(kind=doubt.get("kind", ""), frame=doubt["frame"], confidence=doubt["confidence"])
                yield item, doubt.get("track")


def unchecked(video: "Video", rows: "pd.DataFrame") -> "pd.DataFrame":
    """The rows of the table ``review`` that no correction answers."""
    import pandas as pd

    checked = review.checked_items(active(video.all_corrections()))
    if not checked:
        return rows
    places = zip(rows["kind"], rows["frame"].astype("Int64"), strict=True)
    kept = [not review.is_checked(checked, "" if pd.isna(kind) else kind, _frame(frame)) for kind, frame in places]
    return rows[kept].reset_index(drop=True)


def _frame(value: Any) -> int | None:
    import pandas as pd

    return None if pd.isna(value) else int(value)


def how_often_wrong(settings: "Settings", videos: Iterable["Video"] | None = None) -> list[dict[str, Any]]:
    """How often each kind of item to check was wrong, by the corrections of ``videos`` (None: of all)."""
    known = store.videos(settings.corrections) if videos is None else [video.sha256 for video in videos]
    decisions = [one for sha256 in known for one in store.read_active(settings.corrections, sha256)]
    return review.how_often_wrong(decisions)


def table(video: "Video") -> "pd.DataFrame":
    """All corrections of a video, in the order in which they were taken (`COLUMNS`)."""
    import pandas as pd

    frame = pd.DataFrame(rows(video), columns=list(COLUMNS))
    return frame.assign(at=pd.to_datetime(frame["at"], utc=True).astype("datetime64[s, UTC]"))


def rows(video: "Video") -> list[dict[str, str]]:
    """All corrections of a video as values of `COLUMNS`, in the order in which they were taken."""
    known = video.all_corrections()
    return [_row(video.results_at_hand(), one, one.id in undone(known)) for one in known]


def row(video: "Video", correction: Correction) -> dict[str, str]:
    """As `rows`, for one correction that counts."""
    return _row(video.results_at_hand(), correction, False)


def _row(results: VideoResults | None, one: Correction, is_undone: bool) -> dict[str, str]:
    state, reason = ("undone", "") if is_undone else _state(results, one)
    values = (one.id, one.action, one.decision.as_text(), printable(one.by), one.at.isoformat(), state, reason)
    return dict(zip(COLUMNS, values, strict=True))


def _state(results: VideoResults | None, one: Correction) -> tuple[str, str]:
    if not one.decision.steps:  # an undo, or a confirmation
        return "applied", ""
    if results is None or any(one.id not in applied(results, step) for step in one.decision.steps):
        return "pending", ""
    unfit = {step: results.outputs(step).get("unfit", {}) for step in one.decision.steps}
    reasons = [reasons[one.id] for reasons in unfit.values() if one.id in reasons]
    return ("does not fit", reasons[-1]) if reasons else ("applied", "")


def steps_to_run(video: "Video") -> list[str]:
    """The steps whose results do not have exactly the corrections that count."""
    if (results := video.results_at_hand()) is None:
        return []
    counting = active(video.all_corrections())
    return [
        step
        for step in CORRECTED
        if step in results.folders and applied(results, step) != {one.id for one in for_step(counting, step)}
    ]
