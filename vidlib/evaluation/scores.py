"""All scores of one video against its ground truth: as rows, as a pandas table, as JSON."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vidlib.errors import UsageError
from vidlib.evaluation import faces, matching, people, shots, speaking, voices
from vidlib.evaluation.ground_truth import Truth
from vidlib.evaluation.load_results import Results
from vidlib.evaluation.score import Score
from vidlib.media.audio import loudness_by_frame
from vidlib.params import Frozen
from vidlib.timeline import Turn, seconds

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd


class Evaluation(Frozen):
    """The scores of ``video``, and a sentence for each part that could not be evaluated."""

    video: str
    scores: tuple[Score, ...]
    missing: tuple[str, ...] = ()

    def value(self, part: str, measure: str, subset: str = "all") -> float | None:
        """One score. Raises KeyError if there is none of that name."""
        for score in self.scores:
            if (score.part, score.measure, score.subset) == (part, measure, subset):
                return score.value
        raise KeyError(f"{part}, {measure}, {subset}")

    def table(self) -> "pd.DataFrame":
        """A row for each score: ``video``, ``part``, ``measure``, ``subset``, ``value``, ``unit``, ``n``."""
        import pandas as pd

        rows = [{"video": self.video, **score.model_dump()} for score in self.scores]
        return pd.DataFrame(rows, columns=["video", *Score.model_fields]).astype({"value": float})

    def as_json(self) -> dict[str, Any]:
        """The scores for programs; an unknown value is null. ``film`` is the name of ``video`` up to version 0.1."""
        return {**self.model_dump(mode="json"), "film": self.video}

    def rows(self) -> list[dict[str, str]]:
        """The scores as text, for people."""
        return [
            {
                "part": score.part,
                "measure": score.measure,
                "of": score.subset,
                "value": format_value(score),
                "unit": score.unit,
                "n": str(score.n),
            }
            for score in self.scores
        ]


def evaluate(truth: Truth, results: Results, true_turns: Sequence[Turn] | None = None) -> Evaluation:
    """Evaluate ``results`` against ``truth``, and speakers against ``true_turns``, by default the turns of ``truth``.

    Raises UsageError if the results belong to a video of another length.
    """
    _check_length(truth, results)
    loudness = _loudness(results.video)
    missing = list(results.missing)
    if results.shots is not None and not results.kinds_known:
        missing.append("the shot list does not hold the types of boundaries: they are not evaluated")
    if results.tracks is not None and loudness is None:
        missing.append("no video with sound lies beside the results or the truth: pauses count as speech")
    turns = truth.turns() if true_turns is None else true_turns
    return Evaluation(
        video=results.stem, scores=tuple(_scores(truth, results, turns, loudness)), missing=tuple(missing)
    )


def format_value(score: Score) -> str:
    """Format a value for people: shares with three digits, seconds with two.

    >>> format_value(Score(part="shots", measure="recall", value=0.93333, n=15))
    '0.933'
    """
    if score.value is None:
        return "–"
    digits = {"share": 3, "s": 2, "per 100 frames": 2, "count": 0}[score.unit]
    return f"{score.value:.{digits}f}"


def _scores(truth: Truth, results: Results, turns: Sequence[Turn], loudness: "np.ndarray | None") -> Iterator[Score]:
    if results.shots is not None:
        yield from shots.scores(truth, results.shots, kinds_known=results.kinds_known)
    matches = None if results.tracks is None else matching.match_faces(truth, results.tracks)
    if matches is not None:
        yield from faces.scores(truth, matches, results.tracks)
        yield from speaking.scores(matches, loudness)
    if matches is not None and results.people is not None:
        yield from people.scores(matches, results.people)
    if results.turns is not None:
        yield from voices.scores(turns, results.turns, truth.frames)
    if matches is not None and results.turns is not None:
        yield from voices.face_scores(
            matches, voices.speaker_mapping(turns, results.turns, float(seconds(truth.frames)))
        )


def _check_length(truth: Truth, results: Results) -> None:
    """Refuse the results of another video: its scores would be meaningless."""
    n_frames = results.shots[-1].span.stop if results.shots else truth.frames
    if results.tracks is not None and len(results.tracks):
        n_frames = max(n_frames, int(results.tracks.frame.max()))
    if n_frames != truth.frames:
        raise UsageError(
            f"the results in {results.where} have {n_frames} frames, the truth has {truth.frames}; "
            f"expected both of one video at {truth.fps} frames per second"
        )


def _loudness(video: Path | None) -> "np.ndarray | None":
    loudness = None if video is None else loudness_by_frame(video)
    return loudness if loudness is not None and len(loudness) else None
