"""Evaluates the results of a video against its ground truth."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from vidlib.api.results import COMPLETE
from vidlib.api.video import Video
from vidlib.api.workspace import Workspace
from vidlib.errors import UsageError
from vidlib.evaluation import ground_truth, load_results

if TYPE_CHECKING:
    from vidlib.evaluation.load_results import Results
    from vidlib.evaluation.scores import Evaluation


def evaluate(
    video: str | Path | Video,
    truth: str | Path,
    *,
    rttm: str | Path | None = None,
    workspace: str | Path | None = None,
) -> "Evaluation":
    """Score results against ground truth: shots, faces, speaking and speakers (``.table()``).

    ``video`` is a `Video`, a video file or its name, or a folder with results: of a project or of the archive.
    ``truth`` is a truth file (docs/use/evaluate.md). ``rttm`` has the true turns, by default those of the truth.
    ``.missing`` names results that do not exist. Raises UsageError for results or a truth that do not exist, or that
    are of videos of different lengths.
    """
    from vidlib.evaluation import scores

    truth = Path(truth)
    known, stem = ground_truth.read(truth), ground_truth.stem_of(truth)
    turns = ground_truth.read_turns(Path(rttm), stem) if rttm else None
    found = load_results_of(video, truth, stem, workspace)
    if rttm and Path(rttm).absolute() == (found.where / f"{found.stem}.rttm").absolute():
        raise UsageError(f"{str(rttm)!r} is the result itself; expected a file with the true turns")
    return scores.evaluate(known, found, turns)


def load_results_of(video: str | Path | Video, truth: Path, stem: str, workspace: str | Path | None) -> "Results":
    """The results to evaluate. The video beside the truth file wins over the one beside the results."""
    beside = truth.parent / f"{stem}.mp4"
    true_video = beside if beside.is_file() else None
    chosen = Workspace(workspace)
    path = None if isinstance(video, Video) else Path(video)
    if path is None or not path.is_dir():
        opened = chosen.open(video)
        # of a file that was not processed here, the archive or a file beside it may say more
        if path is None or not path.exists() or opened.has_results(COMPLETE):
            found = load_video(opened)
            return replace(found, video=true_video or found.video)
    folders = {"archive_dir": chosen.settings.archive, "work_dir": chosen.settings.work}
    return load_results.load_results(path, stem, **folders, video=true_video, docs_folder=chosen.settings.docs_folder)


def load_video(video: Video) -> "Results":
    """The results of an open video, for evaluation and comparison; a run of some steps has only theirs."""
    from vidlib.results.exports import people_json, rttm, shots_json, tracking_table

    results = video.results(*(() if video.of_run else COMPLETE))
    shots, tracks = results.file("scenes", "shots"), results.file("tracking", "tracks")
    people = results.file("tracking", "people")
    turns = results.file("tracking", "turns") or results.file("audio", "turns")
    return load_results.Results(
        stem=Path(video.name).stem,
        where=next(iter(results.folders.values())),
        shots=shots_json.read(shots) if shots else None,
        kinds_known=True,
        tracks=tracking_table.read(tracks) if tracks else None,
        turns=rttm.read(turns) if turns else None,
        people=people_json.read(people) if people else None,
        video=results.file("convert", "video"),
        missing=tuple(f"{video.name} has no results of {step}" for step in COMPLETE if step not in results.folders),
    )
