"""What a run left of one film, wherever it lies: beside the video, in the archive, or found by the video's SHA-256."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import ValidationError

from vidlib.errors import UsageError
from vidlib.files import sha256
from vidlib.results import archive
from vidlib.results.archive import METADATA, Entry, Metadata
from vidlib.results.exports import audio_json, rttm, shots_csv, shots_json, tracking_table
from vidlib.results.exports.people_json import Person
from vidlib.results.naming import PUBLISHED, finished, subject_folder
from vidlib.timeline import Shot, Span, Turn, seconds

if TYPE_CHECKING:
    import pandas as pd

VIDEOS = (".mp4", ".mov", ".mkv", ".mxf", ".avi", ".webm", ".m4v")


@dataclass(frozen=True)
class Found:
    """The results of the film called ``stem``; None is what is not there, and ``missing`` says what that is.

    ``kinds_known`` says whether ``shots`` tell how each begins, which the editors' list does not.
    """

    stem: str
    where: Path
    shots: list[Shot] | None = None
    kinds_known: bool = False
    tracks: "pd.DataFrame | None" = None
    turns: list[Turn] | None = None
    people: list[Person] | None = None
    video: Path | None = None
    missing: tuple[str, ...] = ()


def find(
    path: Path,
    stem: str,
    *,
    archive_dir: Path,
    work_dir: Path,
    film: Path | None = None,
    docs_folder: str = "docs",
) -> Found:
    """The results at ``path``: a folder of a project, its ``docs_folder``, one of the archive, or a video.

    ``stem`` says which film is meant where the folder holds several; ``film`` is the film itself, where it is known.
    Raises UsageError, saying what was expected, where there are none; BrokenOutput where a file is damaged.
    """
    below = path / docs_folder
    found = _at(below if below.is_dir() else path, stem, archive_dir, work_dir)
    if film is None:
        return found
    return replace(found if found.kinds_known else _with_kinds(found, work_dir, sha256(film)), video=film)


def _at(path: Path, stem: str, archive_dir: Path, work_dir: Path) -> Found:
    if path.is_file():
        return _of_video(path, archive_dir, work_dir)
    if not path.is_dir():
        raise UsageError(f"results {str(path)!r} do not exist; expected a folder with results, or a video")
    if (path / METADATA).is_file():
        return _of_entry(_entry(path), work_dir)
    return _of_folder(path, _chosen(path, stem), work_dir)


def _of_video(video: Path, archive_dir: Path, work_dir: Path) -> Found:
    """The newest results that the archive has for the video; else those beside it."""
    if entries := archive.find(archive_dir, sha256(video)):
        return replace(_of_entry(entries[0], work_dir), video=video)
    if video.stem in _stems(video.parent):
        return replace(_of_folder(video.parent, video.stem, work_dir), video=video)
    raise UsageError(
        f"nothing is known of {str(video)!r}: its SHA-256 is not in the archive {archive_dir}, and no results lie "
        f"beside it; process it first (vidlib run), or name the folder of its results"
    )


def _of_entry(entry: Entry, work_dir: Path) -> Found:
    video = Path(entry.metadata.video_path)
    found = _read(entry.metadata.video_stem, entry.folder, entry.results)
    found = _with_kinds(found, work_dir, entry.metadata.source_hash or entry.metadata.video_hash)
    return replace(found, video=video if video.is_file() else None)


def _of_folder(folder: Path, stem: str, work_dir: Path) -> Found:
    files = {name: folder / f"{stem}{suffix}" for name, suffix in PUBLISHED.items()}
    found = _read(stem, folder, {name: path for name, path in files.items() if path.is_file()})
    video = next((path for path in sorted(folder.glob("*")) if path.stem == stem and path.suffix in VIDEOS), None)
    return replace(_with_kinds(found, work_dir, sha256(video)) if video else found, video=video)


def _entry(folder: Path) -> Entry:
    try:
        return Entry(folder, Metadata.model_validate_json((folder / METADATA).read_bytes()))
    except ValidationError as error:
        raise UsageError(f"{folder / METADATA} is not that of an archived video: {error.errors()[0]['msg']}") from error


def _chosen(folder: Path, stem: str) -> str:
    """The film that is meant: the only one, or the one with the name of the truth."""
    stems = sorted(_stems(folder))
    if not stems:
        raise UsageError(f"{folder} holds no results; expected files such as film.csv, film_tracking.parquet")
    if len(stems) > 1 and stem not in stems:
        raise UsageError(f"{folder} holds results of {', '.join(stems)}, none of {stem!r}; name the video instead")
    return stem if stem in stems else stems[0]


def _stems(folder: Path) -> set[str]:
    """The films that a folder holds results of; RTTM or WebVTT alone is no sign of any: others write such files too."""
    suffixes = [suffix for name, suffix in PUBLISHED.items() if name not in ("rttm", "captions")]
    return {path.name.removesuffix(suffix) for suffix in suffixes for path in folder.glob(f"?*{suffix}")}


def _read(stem: str, where: Path, files: Mapping[str, Path]) -> Found:
    """What ``files``, by their names in `PUBLISHED`, hold."""
    spans = shots_csv.read(files["shots_csv"]) if "shots_csv" in files else None
    return Found(
        stem=stem,
        where=where,
        shots=None if spans is None else [Shot(span, "cut" if span.start else "start") for span in spans],
        tracks=tracking_table.read(files["tracking_parquet"]) if "tracking_parquet" in files else None,
        turns=_turns(files),
        missing=tuple(_missing(stem, where, files)),
    )


def _missing(stem: str, where: Path, files: Mapping[str, Path]) -> Iterator[str]:
    lost = {"shots_csv": "shots", "tracking_parquet": "faces, speaking, voice of a face"}
    for name, parts in lost.items():
        if name not in files:
            yield f"{stem}{PUBLISHED[name]} is not in {where}: no figures for {parts}"
    if "rttm" not in files and "audio_json" not in files:
        yield f"neither {stem}.rttm nor {stem}_audio.json is in {where}: no figures for voices, voice of a face"


def _turns(files: Mapping[str, Path]) -> list[Turn] | None:
    """Who speaks when; older results say it only frame by frame."""
    if "rttm" in files:
        return rttm.read(files["rttm"])
    return turns_of(audio_json.read(files["audio_json"])) if "audio_json" in files else None


def turns_of(audio: audio_json.AudioFile) -> list[Turn]:
    """The turns that a file for After Effects tells of: of each speaker, every run of frames."""
    frames: dict[str, list[int]] = {}
    for frame in audio.frames_analysis:
        for label in frame.audio_info.active_speaker_labels:
            frames.setdefault(label, []).append(frame.frame - 1)
    return sorted(
        Turn(float(seconds(span.start)), float(seconds(span.stop)), label)
        for label, numbers in frames.items()
        for span in _runs(numbers)
    )


def _runs(numbers: list[int]) -> Iterator[Span]:
    """The runs of rising numbers.

    >>> list(_runs([1, 2, 5]))
    [Span(start=1, stop=3), Span(start=5, stop=6)]
    """
    start = 0
    for place in range(1, len(numbers) + 1):
        if place == len(numbers) or numbers[place] != numbers[place - 1] + 1:
            yield Span(numbers[start], numbers[place - 1] + 1)
            start = place


def _with_kinds(found: Found, work_dir: Path, source_hash: str) -> Found:
    """The same shots, with how each begins, if the step that found them still lies in the workspace."""
    files = subject_folder(work_dir, source_hash).glob(f"{finished('scenes')}/shots.json")
    for file in files if found.shots else ():
        shots = shots_json.read(file)
        if [shot.span for shot in shots] == [shot.span for shot in found.shots or ()]:
            return replace(found, shots=shots, kinds_known=True)
    return found
