"""Loads the results of one video from its folder, from the archive, or by the SHA-256 of the video."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import ValidationError

from vidlib.errors import UsageError
from vidlib.files import sha256
from vidlib.media.suffixes import is_video_name
from vidlib.results import archive_index
from vidlib.results.archive import METADATA, Entry, Metadata
from vidlib.results.exports import audio_json, rttm, shots_csv, shots_json, tracking_table
from vidlib.results.exports.people_json import Person
from vidlib.results.naming import OPTIONAL, PUBLISHED, finished, subject_folder
from vidlib.timeline import Shot, Turns

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Results:
    """The results of the video called ``stem``. A missing part is None, and ``missing`` explains each in a sentence.

    ``kinds_known`` is true if ``shots`` hold the type of each boundary; the editors' list does not hold it.
    """

    stem: str
    where: Path
    shots: list[Shot] | None = None
    kinds_known: bool = False
    tracks: "pd.DataFrame | None" = None
    turns: Turns | None = None
    people: list[Person] | None = None
    video: Path | None = None
    missing: tuple[str, ...] = ()


def load_results(
    path: Path,
    stem: str,
    *,
    archive_dir: Path,
    work_dir: Path,
    video: Path | None = None,
    docs_folder: str = "docs",
) -> Results:
    """Load the results at ``path``: a project folder, its ``docs_folder``, an archive folder, or a video.

    ``stem`` selects the video if the folder holds several. ``video`` is the video file itself, if it is known.
    Raises UsageError if there are no results, and BrokenOutput if a file is damaged.
    """
    docs = path / docs_folder
    results = _load(docs if docs.is_dir() else path, stem, archive_dir, work_dir)
    if video is None:
        return results
    return replace(
        results if results.kinds_known else _with_boundary_kinds(results, work_dir, sha256(video)), video=video
    )


def _load(path: Path, stem: str, archive_dir: Path, work_dir: Path) -> Results:
    if path.is_file():
        return _load_for_video(path, archive_dir, work_dir)
    if not path.is_dir():
        raise UsageError(f"results {str(path)!r} do not exist; expected a folder with results, or a video")
    if (path / METADATA).is_file():
        return _load_entry(_read_entry(path), work_dir)
    return _load_folder(path, _choose_stem(path, stem), work_dir)


def _load_for_video(video: Path, archive_dir: Path, work_dir: Path) -> Results:
    """Load the newest results in the archive for the video, or the results beside it."""
    if entries := archive_index.entries_of(archive_dir, sha256(video)):
        return replace(_load_entry(entries[0], work_dir), video=video)
    if video.stem in _stems(video.parent):
        return replace(_load_folder(video.parent, video.stem, work_dir), video=video)
    raise UsageError(
        f"{str(video)!r} has no results: its SHA-256 is not in the archive {archive_dir}, and no result file lies "
        f"beside it. Process it first (vidlib run), or give the folder of its results"
    )


def _load_entry(entry: Entry, work_dir: Path) -> Results:
    video = Path(entry.metadata.video_path)
    results = _load_files(entry.metadata.video_stem, entry.folder, entry.results)
    results = _with_boundary_kinds(results, work_dir, entry.metadata.source_hash or entry.metadata.video_hash)
    return replace(results, video=video if video.is_file() else None)


def _load_folder(folder: Path, stem: str, work_dir: Path) -> Results:
    files = {name: folder / f"{stem}{suffix}" for name, suffix in PUBLISHED.items()}
    results = _load_files(stem, folder, {name: path for name, path in files.items() if path.is_file()})
    video = next((path for path in sorted(folder.glob("*")) if path.stem == stem and is_video_name(path.name)), None)
    return replace(_with_boundary_kinds(results, work_dir, sha256(video)) if video else results, video=video)


def _read_entry(folder: Path) -> Entry:
    try:
        return Entry(folder, Metadata.model_validate_json((folder / METADATA).read_bytes()))
    except ValidationError as error:
        raise UsageError(
            f"{folder / METADATA} does not describe an archived video: {error.errors()[0]['msg']}"
        ) from error


def _choose_stem(folder: Path, stem: str) -> str:
    """The stem of the only video in the folder, or ``stem`` if there are several."""
    stems = sorted(_stems(folder))
    if not stems:
        raise UsageError(f"{folder} holds no results; expected files such as film.csv, film_tracking.parquet")
    if len(stems) > 1 and stem not in stems:
        raise UsageError(f"{folder} holds results of {', '.join(stems)}, but none of {stem!r}; give the video instead")
    return stem if stem in stems else stems[0]


def _stems(folder: Path) -> set[str]:
    """The stems of the videos with results in a folder. RTTM or text alone do not count; others write both."""
    suffixes = [suffix for name, suffix in PUBLISHED.items() if name != "rttm" and name not in OPTIONAL]
    return {path.name.removesuffix(suffix) for suffix in suffixes for path in folder.glob(f"?*{suffix}")}


def _load_files(stem: str, where: Path, files: Mapping[str, Path]) -> Results:
    """Read ``files``, whose keys are names in `PUBLISHED`."""
    spans = shots_csv.read(files["shots_csv"]) if "shots_csv" in files else None
    return Results(
        stem=stem,
        where=where,
        shots=None if spans is None else [Shot(span, "cut" if span.start else "start") for span in spans],
        tracks=tracking_table.read(files["tracking_parquet"]) if "tracking_parquet" in files else None,
        turns=_turns(files),
        missing=tuple(_missing(stem, where, files)),
    )


def _missing(stem: str, where: Path, files: Mapping[str, Path]) -> Iterator[str]:
    affected = {"shots_csv": "shots", "tracking_parquet": "faces, speaking, voice of a face"}
    for name, parts in affected.items():
        if name not in files:
            yield f"{stem}{PUBLISHED[name]} is not in {where}: no figures for {parts}"
    if "rttm" not in files and "audio_json" not in files:
        yield f"neither {stem}.rttm nor {stem}_audio.json is in {where}: no figures for voices, voice of a face"


def _turns(files: Mapping[str, Path]) -> Turns | None:
    """Read the speaker turns; older results hold them only frame by frame."""
    if "rttm" in files:
        return rttm.read(files["rttm"])
    return turns_of(audio_json.read(files["audio_json"])) if "audio_json" in files else None


def turns_of(audio: audio_json.AudioFile) -> Turns:
    """The turns in a file for After Effects: one for each run of frames of each speaker."""
    frames: dict[str, list[int]] = {}
    for frame in audio.frames_analysis:
        for label in frame.audio_info.active_speaker_labels:
            frames.setdefault(label, []).append(frame.frame - 1)
    return Turns.from_frames(frames)


def _with_boundary_kinds(results: Results, work_dir: Path, source_hash: str) -> Results:
    """Add the type of each boundary, if the *scenes* step that found the shots is still in the workspace."""
    files = subject_folder(work_dir, source_hash).glob(f"{finished('scenes')}/shots.json")
    for file in files if results.shots else ():
        shots = shots_json.read(file)
        if [shot.span for shot in shots] == [shot.span for shot in results.shots or ()]:
            return replace(results, shots=shots, kinds_known=True)
    return results
