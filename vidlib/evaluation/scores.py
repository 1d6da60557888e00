"""All figures of one film beside its truth: as rows, as a pandas table, as JSON."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vidlib.errors import UsageError
from vidlib.evaluation import faces, matching, people, shots, speaking, voices
from vidlib.evaluation.ground_truth import Truth
from vidlib.evaluation.load_results import Found
from vidlib.evaluation.score import Score
from vidlib.media import probe
from vidlib.params import Frozen
from vidlib.timeline import Turn, seconds

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd


class Evaluation(Frozen):
    """The figures of the film called ``film``, and what could not be judged, in words."""

    film: str
    scores: tuple[Score, ...]
    missing: tuple[str, ...] = ()

    def value(self, part: str, measure: str, subset: str = "all") -> float | None:
        """One figure; raises KeyError where there is none of that name."""
        for score in self.scores:
            if (score.part, score.measure, score.subset) == (part, measure, subset):
                return score.value
        raise KeyError(f"{part}, {measure}, {subset}")

    def table(self) -> "pd.DataFrame":
        """A row for each figure: ``film``, ``part``, ``measure``, ``subset``, ``value``, ``unit``, ``n``."""
        import pandas as pd

        rows = [{"film": self.film, **score.model_dump()} for score in self.scores]
        return pd.DataFrame(rows, columns=["film", *Score.model_fields]).astype({"value": float})

    def as_json(self) -> dict[str, Any]:
        """The same for programs; a figure that is not known is null."""
        return self.model_dump(mode="json")

    def rows(self) -> list[dict[str, str]]:
        """The same for people."""
        return [
            {
                "part": score.part,
                "measure": score.measure,
                "of": score.subset,
                "value": shown(score),
                "unit": score.unit,
                "n": str(score.n),
            }
            for score in self.scores
        ]


def evaluate(truth: Truth, found: Found, true_turns: Sequence[Turn] | None = None) -> Evaluation:
    """Judge ``found`` by ``truth``, and voices by ``true_turns`` where those are known better than by whole clips.

    Raises UsageError where the results are of a film of another length.
    """
    _check_length(truth, found)
    heard = _loudness(found.video)
    missing = list(found.missing)
    if found.shots is not None and not found.kinds_known:
        missing.append("the shot list does not say how shots begin: no figure for their kinds")
    if found.tracks is not None and heard is None:
        missing.append("there is no video with sound beside the results or the truth: pauses count as speech")
    turns = truth.turns() if true_turns is None else true_turns
    return Evaluation(film=found.stem, scores=tuple(_scores(truth, found, turns, heard)), missing=tuple(missing))


def shown(score: Score) -> str:
    """The value as people read it: shares to three digits, seconds to two.

    >>> shown(Score(part="shots", measure="recall", value=0.93333, n=15))
    '0.933'
    """
    if score.value is None:
        return "–"
    digits = {"share": 3, "s": 2, "per 100 frames": 2, "count": 0}[score.unit]
    return f"{score.value:.{digits}f}"


def _scores(truth: Truth, found: Found, turns: Sequence[Turn], heard: "np.ndarray | None") -> Iterator[Score]:
    if found.shots is not None:
        yield from shots.scores(truth, found.shots, kinds_known=found.kinds_known)
    paired = None if found.tracks is None else matching.pair_up(truth, found.tracks)
    if paired is not None:
        yield from faces.scores(truth, paired, found.tracks)
        yield from speaking.scores(paired, heard)
    if paired is not None and found.people is not None:
        yield from people.scores(paired, found.people)
    if found.turns is not None:
        yield from voices.scores(turns, found.turns, truth.frames)
    if paired is not None and found.turns is not None:
        yield from voices.face_scores(paired, voices.mapping(turns, found.turns, float(seconds(truth.frames))))


def _check_length(truth: Truth, found: Found) -> None:
    """Results of another film would give figures as well, all of them meaningless."""
    n_frames = found.shots[-1].span.stop if found.shots else truth.frames
    if found.tracks is not None and len(found.tracks):
        n_frames = max(n_frames, int(found.tracks.frame.max()))
    if n_frames != truth.frames:
        raise UsageError(
            f"the results in {found.where} are of {n_frames} frames, the truth of {truth.frames}; "
            f"expected both of one film at {truth.fps} frames per second"
        )


def _loudness(video: Path | None) -> "np.ndarray | None":
    heard = None if video is None else probe.loudness(video)
    return heard if heard is not None and len(heard) else None
