"""Results, wherever they lie."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests import evaluated, sample_media
from vidlib.errors import UsageError
from vidlib.evaluation import load_results
from vidlib.evaluation.load_results import Results
from vidlib.files import sha256
from vidlib.results import archive
from vidlib.results.exports import audio_json, shots_json
from vidlib.results.naming import PUBLISHED, subject_folder
from vidlib.timeline import Turn


def find(path: Path, stem: str = "film") -> Results:
    root = path.parent
    return load_results.load_results(path, stem, archive_dir=root / "archive", work_dir=root / "work")


@pytest.mark.parametrize("below", [".", "docs"])
def test_a_project_or_its_docs_hold_results(tmp_path, below):
    evaluated.publish(tmp_path / "project" / below)
    found = find(tmp_path / "project")
    assert [shot.span for shot in found.shots] == [shot.span for shot in evaluated.SHOTS]
    assert found.turns == evaluated.TURNS
    assert len(found.tracks) == len(evaluated.rows())
    assert (found.missing, found.kinds_known, found.video) == ((), False, None)


@pytest.mark.parametrize("suffix", [".csv", ".rttm", "_tracking.parquet"])
def test_what_is_missing_is_named(tmp_path, suffix):
    evaluated.publish(tmp_path / "project", leave_out=[suffix])
    (line,) = find(tmp_path / "project").missing
    assert f"film{suffix}" in line


def test_of_several_films_the_one_with_the_name_of_the_truth_counts(tmp_path):
    evaluated.publish(evaluated.publish(tmp_path / "project"), "other")
    assert find(tmp_path / "project", "other").stem == "other"
    with pytest.raises(UsageError, match=r"film, other, but none of 'third'"):
        find(tmp_path / "project", "third")


def test_a_single_film_may_have_another_name_than_the_truth(tmp_path):
    assert find(evaluated.publish(tmp_path / "project"), "take 2").stem == "film"


def test_the_archive_is_found_by_folder_and_by_either_hash(tmp_path):
    video = sample_media.clip(tmp_path / "renamed.mp4", n_frames=5)
    docs = evaluated.publish(tmp_path / "project")
    files = {name: docs / f"film{suffix}" for name, suffix in PUBLISHED.items()}
    results = {name: path for name, path in files.items() if path.is_file()}
    analysed = archive.ResultSet(source=video, video=video, stem="film", results=results)
    entry = archive.put(tmp_path / "archive", "News", analysed, datetime(2026, 1, 1, tzinfo=UTC))
    for path in (entry.folder, video):
        found = (
            find(path)
            if path == video
            else load_results.load_results(path, "x", archive_dir=tmp_path, work_dir=tmp_path)
        )
        assert (found.stem, found.where, found.video) == ("film", entry.folder, video)
        assert found.turns == evaluated.TURNS


def test_a_video_that_is_not_archived_has_results_beside_it(tmp_path):
    video = sample_media.clip(evaluated.publish(tmp_path / "project") / "film.mp4", n_frames=5)
    assert find(video).where == video.parent


@pytest.mark.parametrize("name", ["film.MXF", "film.mts", "film.mpg"])
def test_the_video_beside_results_is_found_by_every_suffix_of_videos(tmp_path, name):
    docs = evaluated.publish(tmp_path / "project")
    (docs / name).write_bytes(b"video")
    assert find(docs).video == docs / name


def test_an_rttm_alone_may_be_the_truth_and_is_no_result(tmp_path):
    video = sample_media.clip(
        evaluated.publish(tmp_path / "truth", leave_out=[".csv", "_tracking.parquet"]) / "film.mp4"
    )
    for path in (video, video.parent):
        with pytest.raises(UsageError):
            find(path)


def test_the_film_itself_is_heard_and_leads_to_how_shots_begin(tmp_path):
    film = sample_media.clip(tmp_path / "film.mp4", n_frames=5)
    docs = evaluated.publish(tmp_path / "project" / "docs")
    step = subject_folder(tmp_path / "work", sha256(film)) / "scenes-0123456789ab"
    step.mkdir(parents=True)
    shots_json.write(step / "shots.json", evaluated.SHOTS, engine="made by hand")
    found = load_results.load_results(docs, "film", archive_dir=tmp_path, work_dir=tmp_path / "work", video=film)
    assert (found.video, found.kinds_known) == (film, True)


def test_how_shots_begin_comes_from_the_step_that_found_them(tmp_path):
    video = sample_media.clip(evaluated.publish(tmp_path / "project") / "film.mp4", n_frames=5)
    step = subject_folder(tmp_path / "work", sha256(video)) / "scenes-0123456789ab"
    step.mkdir(parents=True)
    shots_json.write(step / "shots.json", evaluated.SHOTS, engine="made by hand")
    found = find(tmp_path / "project")
    assert found.kinds_known
    assert found.shots == evaluated.SHOTS
    shots_json.write(step / "shots.json", evaluated.SHOTS[:1], engine="made by hand")
    assert not find(tmp_path / "project").kinds_known


def test_older_results_tell_of_voices_frame_by_frame(tmp_path):
    heard = [(), ("A",), ("A", "B"), ("B",), (), ("A",)]
    frames = [
        audio_json.AudioFrame(
            frame=number,
            audio_info=audio_json.AudioInfo(
                is_speech_present=bool(who), active_speaker_labels=who, timecode_sec=(number - 1) / 25
            ),
        )
        for number, who in enumerate(heard, 1)
    ]
    docs = evaluated.publish(tmp_path / "project", leave_out=[".rttm"])
    audio_json.write(docs / "film_audio.json", frames, len(frames), [])
    assert find(tmp_path / "project").turns == [Turn(0.04, 0.12, "A"), Turn(0.08, 0.16, "B"), Turn(0.2, 0.24, "A")]


def test_where_nothing_is_the_remedy_is_said(tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(UsageError, match="holds no results; expected files such as"):
        find(tmp_path / "empty")
    with pytest.raises(UsageError, match="do not exist; expected a folder with results, or a video"):
        find(tmp_path / "nowhere")
    with pytest.raises(UsageError, match="Process it first"):
        find(sample_media.clip(tmp_path / "new.mp4", n_frames=5))
    (tmp_path / "empty" / "metadata.json").write_text("{}")
    with pytest.raises(UsageError, match="does not describe an archived video"):
        find(tmp_path / "empty")
