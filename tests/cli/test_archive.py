"""The commands about the archive and the work folder, as a user sees them."""

import json
import multiprocessing
import os
import random
import shutil
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import pytest

from tests import finished, sample_media
from tests.results import archives
from tests.runner.processes import Command
from tests.soak.dying import die_at
from vidlib import settings as settings_module
from vidlib.files import sha256, write_json
from vidlib.results import archive, archive_check, archive_entry, archive_index, naming
from vidlib.runner import projects
from vidlib.runner.cleaning import size
from vidlib.runner.store.runs import History
from vidlib.steps import PUBLISHED, VIDEO_STEPS
from vidlib.steps.base import Manifest

REDUCED = {"tracking_json": "tracking.json", "audio_json": "audio.json"}


@pytest.fixture(scope="module")
def processed(tmp_path_factory):
    """A workspace with a processed film.mp4, which no test changes."""
    folder = tmp_path_factory.mktemp("processed")
    film = sample_media.clip(folder / "film.mp4")
    chosen = settings_module.load(workspace=folder / "workspace")
    folders = finished.all_steps(chosen.work / sha256(film)[:16], video=film)
    for file in REDUCED.values():
        (folders["reduce"] / file).write_text("{}")
    finished.finish(folders["reduce"], **REDUCED)
    tracks = {"tracks": "tracking.parquet", "turns": "speech.rttm", "speech": "speech.parquet"}
    finished.finish(folders["tracking"], **tracks, people="people.json", key_frames=[])
    report = chosen.work / sha256(film)[:16] / "report-0123456789ab"
    report.mkdir()
    finished.register(chosen, folders | {"report": report}, film)
    return folder


@pytest.fixture
def film(processed, workspace):
    """film.mp4 in the workspace of this test, where all steps are done."""
    shutil.rmtree(workspace.workspace, ignore_errors=True)
    home = workspace.workspace.parent
    shutil.copytree(processed, home, dirs_exist_ok=True)
    with History(workspace.database) as history:
        for task in history.results([*VIDEO_STEPS, "report"]):
            moved = str(workspace.work / Path(task.folder).relative_to(processed / "workspace" / "work"))
            history.update_task(task.id, folder=moved, source=str(home / "film.mp4"), finished_at=0.0)
        history.remember_video(sha256(home / "film.mp4"), home / "film.mp4")
    return home / "film.mp4"


def publish(workspace, film: Path) -> Path:
    """Put the results beside the video, as a run does; return the folder."""
    docs = projects.docs_folder(workspace, "news")
    docs.mkdir(parents=True, exist_ok=True)
    home = workspace.work / sha256(film)[:16]
    folders = {step: home / f"{step}-0123456789ab" for step in VIDEO_STEPS}
    for step, result, output in PUBLISHED:
        if name := Manifest.read(folders[step]).outputs.get(output):
            target = docs / f"{film.stem}{naming.PUBLISHED[result]}"
            target.unlink(missing_ok=True)
            os.link(folders[step] / name, target)
    return docs


def test_put_archives_once_and_find_and_restore_bring_the_results_back(vidlib, workspace, film, tmp_path):
    code, out, _ = vidlib("archive", "put", film, "--json")
    first = json.loads(out)
    assert (code, first["there_already"], first["project"]) == (0, False, "news")
    assert {"film_people.json", "film_shots.json"} <= {Path(file).name for file in first["files"]}
    entry = archive_entry.read(Path(first["folder"]))
    assert (entry.metadata.media.frames, entry.metadata.media.width) == (sample_media.N_FRAMES, sample_media.SIZE[0])
    code, out, _ = vidlib("archive", "put", "film.mp4", "--json")
    assert (code, json.loads(out)["there_already"]) == (0, True)

    renamed = tmp_path / "edit" / "final cut v3.mp4"
    renamed.parent.mkdir()
    shutil.copy(film, renamed)
    for query in (renamed, sha256(film)[:8], "FILM", "news", f"{datetime.now(UTC):%Y}"):
        code, out, _ = vidlib("archive", "find", query, "--json")
        assert (code, [entry["folder"] for entry in json.loads(out)["entries"]]) == (0, [first["folder"]])

    code, out, _ = vidlib("archive", "restore", renamed, "--json")
    names = {"final cut v3" + suffix for result, suffix in naming.PUBLISHED.items() if result not in naming.OPTIONAL}
    assert {Path(file).name for file in json.loads(out)["files"]} == names
    assert {path.name for path in renamed.parent.iterdir()} == names | {renamed.name}

    code, out, _ = vidlib("archive", "restore", first["folder"], "--to", tmp_path / "old", "--as", "clip")
    assert code == 0
    assert (tmp_path / "old" / "clip.csv").is_file()


def test_a_search_without_a_match_says_so_with_exit_code_1(vidlib, workspace):
    archives.put(workspace.archive, workspace.workspace)
    code, out, _ = vidlib("archive", "find", "nowhere")
    assert code == 1
    assert "holds nothing for 'nowhere'" in out


@pytest.mark.parametrize(
    ("args", "says"),
    [
        (["restore", "nowhere.mp4"], "holds no results of 'nowhere.mp4'"),
        (["restore", "clip"], "fits 2 videos"),
        (["restore", "my clip"], "name a folder with --to"),
        (["restore", "my clip", "--to", "x", "--as", "../y"], "no plain name"),
        (["verify", "--subset", "8/7"], "as in 1/7"),
        (["put", "nowhere.mp4"], "there is no video 'nowhere.mp4'"),
        (["put", "x", "--project", "../y"], "no plain name"),
    ],
)
def test_a_mistake_is_explained_with_exit_code_2(vidlib, workspace, args, says):
    archives.put(workspace.archive, workspace.workspace, "my clip")
    archives.put(workspace.archive, workspace.workspace, "other clip")
    code, out, err = vidlib("archive", *args)
    assert (code, out) == (2, "")
    assert says in err


def test_verify_names_damage_with_exit_code_1_and_entries_without_checksums(vidlib, workspace):
    entry = archives.put(workspace.archive, workspace.workspace)
    foreign = archives.put_of_other_tool(workspace.archive, "foreign")
    code, out, _ = vidlib("archive", "verify")
    assert code == 0
    assert f"{foreign.folder} has no checksums" in out
    damaged = entry.folder / "my clip.rttm"
    archives.flip(damaged, random.Random(3))
    code, out, _ = vidlib("archive", "verify")
    assert code == 1
    assert f"{damaged} differs from its SHA-256" in out
    code, out, _ = vidlib("archive", "verify", "--json")
    answer = json.loads(out)
    assert code == 1
    assert [(item["folder"], item["file"]) for item in answer["damages"]] == [(str(entry.folder), damaged.name)]
    assert answer["unrecorded"] == [str(foreign.folder)]
    parts = [json.loads(vidlib("archive", "verify", "--subset", f"{n}/2", "--json")[1]) for n in (1, 2)]
    assert sum(len(part["damages"]) for part in parts) == 1


def test_damaged_metadata_are_named_on_stderr_and_end_no_command(vidlib, workspace):
    archives.put(workspace.archive, workspace.workspace)
    bad = workspace.archive / "B\x1b[31mad" / ("a" * 64) / "metadata.json"
    bad.parent.mkdir(parents=True)
    bad.write_text("{")
    for args in (["find", "clip"], ["rebuild"], ["prune"]):
        code, _, err = vidlib("archive", *args)
        assert code == 0
        assert "an entry is left out" in err
        assert "\x1b" not in err
    assert vidlib("archive", "verify")[0] == 1


def test_results_are_not_restored_from_a_damaged_entry(vidlib, workspace, tmp_path):
    entry = archives.put(workspace.archive, tmp_path)
    archives.flip(entry.folder / "my clip.rttm", random.Random(4))
    code, _, err = vidlib("archive", "restore", tmp_path / "my clip" / "my clip video.mp4", "--to", tmp_path / "to")
    assert code == 1
    assert "my clip.rttm" in err
    assert not (tmp_path / "to").exists()


def test_prune_lists_and_removes_only_with_yes(vidlib, workspace, tmp_path):
    old = [archives.put(workspace.archive, tmp_path, day=-day, content=str(day)) for day in (400, 300)]
    newest = archives.put(workspace.archive, tmp_path, day=-200, content="newest")
    code, out, _ = vidlib("archive", "prune", "--older-than", "0", "--json")
    answer = json.loads(out)
    assert (code, answer["dry_run"]) == (0, True)
    assert [row["folder"] for row in answer["removed"]] == [str(entry.folder) for entry in old]
    assert all(entry.folder.is_dir() for entry in old)
    assert "add --yes" in vidlib("archive", "prune", "--older-than", "0")[1]
    assert vidlib("archive", "prune", "--older-than", "0", "--yes")[0] == 0
    assert not any(entry.folder.exists() for entry in old)
    assert newest.folder.is_dir()
    assert archive_check.check(workspace.archive).damages == []


def test_prune_keeps_what_the_latest_run_archived(vidlib, workspace, film, tmp_path):
    old = archives.put(workspace.archive, tmp_path, day=-300, content="old")
    archives.put(workspace.archive, tmp_path, day=-200, content="new")
    assert len(json.loads(vidlib("archive", "prune", "--json")[1])["removed"]) == 1
    folder = workspace.work / "0123456789abcdef" / "finalize-0123456789ab"
    folder.mkdir(parents=True)
    write_json(folder / "delivery.json", {"videos": []})
    finished.finish(folder, delivery="delivery.json", delivered=[], archived=[str(old.folder)])
    finished.register(workspace, {"finalize": folder}, film, project="Spring")
    assert json.loads(vidlib("archive", "prune", "--older-than", "0", "--json")[1])["removed"] == []


def test_clean_frees_the_steps_of_a_video_that_is_published_and_archived(vidlib, workspace, film):
    home = workspace.work / sha256(film)[:16]

    def kept() -> str:
        (row,) = json.loads(vidlib("clean", "--yes", "--json")[1])["kept"]
        return row["kept"]

    assert kept() == "its results are not in the archive"
    assert vidlib("archive", "put", film)[0] == 0
    assert "the project lacks film.csv" in kept()
    docs = publish(workspace, film)
    with History(workspace.database) as history:
        task = history.results(["scenes"])[0]
        history.update_task(task.id, finished_at=datetime.now(UTC).timestamp())
        assert kept() == "a run used it lately"
        history.update_task(task.id, finished_at=0.0)

    (home / "scenes-0123456789ab.failed-1").mkdir()
    (home / "scenes-0123456789ab.failed-1" / "step.ipynb").write_text("{}")
    folders = [folder for folder in home.iterdir() if not folder.name.startswith("report")]
    expected = sum(map(size, folders))
    code, out, _ = vidlib("clean", "--json")
    answer = json.loads(out)
    assert (code, answer["dry_run"], answer["bytes"]) == (0, True, expected)
    assert set(map(Path, answer["removed"][0]["folders"])) == set(folders)
    assert all(folder.is_dir() for folder in folders)

    before = {path.name: path.read_bytes() for path in docs.iterdir()}
    assert vidlib("clean", "--yes")[0] == 0
    assert [folder.name for folder in home.iterdir()] == ["report-0123456789ab"]
    assert {path.name: path.read_bytes() for path in docs.iterdir()} == before
    assert vidlib("archive", "verify")[0] == 0


def test_clean_keeps_the_steps_while_the_archive_is_damaged(vidlib, workspace, film):
    folder = Path(json.loads(vidlib("archive", "put", film, "--json")[1])["folder"])
    publish(workspace, film)
    archives.flip(folder / "film_scenes.csv", random.Random(5))
    code, out, _ = vidlib("clean", "--yes")
    assert code == 1
    assert "the archive is damaged" in out
    assert (workspace.work / sha256(film)[:16] / "convert-0123456789ab").is_dir()


def put_at_the_same_moment(root: Path, work: Path, barrier, number: int) -> None:
    for turn in range(10):
        clip = archives.analysed(work / f"{number} {turn}", "clip", str(turn))
        barrier.wait(60)
        archive.put(root, f"project {number}", clip, archives.NOON)


def test_two_publishers_at_the_same_moment_store_results_once(tmp_path):
    context = multiprocessing.get_context("fork")
    barrier = context.Barrier(2)
    root = tmp_path / "archive"
    publishers = [
        context.Process(target=put_at_the_same_moment, args=(root, tmp_path, barrier, number)) for number in (1, 2)
    ]
    for publisher in publishers:
        publisher.start()
    for publisher in publishers:
        publisher.join(120)
    assert [publisher.exitcode for publisher in publishers] == [0, 0]
    assert len(archive_index.search(root, "clip").entries) == 10
    assert archive_check.check(root).damages == []


def die(place: str, number: int, *args: object) -> int:
    """Run vidlib in a process that is killed at the ``number``-th call of ``place``; return its exit code."""
    return Command([*map(str, args)], first=partial(die_at, place, number)).wait()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("place", "number"),
    [("shutil:copyfile", 3), ("os:replace", 2), ("vidlib.results.archive:publish_folder", 1), ("os:rename", 1)],
)
def test_a_publisher_that_dies_leaves_a_sound_archive(vidlib, workspace, film, place, number):
    known = archives.put(workspace.archive, workspace.workspace)
    assert die(place, number, "archive", "put", film) == -9
    assert archive_check.check(workspace.archive).damages == []
    assert archive_index.search(workspace.archive, "film").entries == []
    assert vidlib("archive", "put", film)[0] == 0
    assert len(archive_index.search(workspace.archive, "film").entries) == 1
    assert archive_index.search(workspace.archive, "my clip").entries == [known]
    assert not list(workspace.archive.glob(".tmp-*"))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("place", "number"),
    [
        ("vidlib.results.archive_entry:read", 2),
        ("vidlib.results.archive_index:Index.update", 1),
        ("vidlib.results.archive_index:Index.all", 1),
    ],
)
def test_a_rebuild_that_dies_leaves_a_sound_archive_and_index(workspace, place, number):
    root = workspace.archive
    entries = [archives.put(root, workspace.workspace, f"clip {n}", day=-n) for n in range(3)]
    archive_index.rebuild(root)
    before = archives.content_of(root)
    assert die(place, number, "archive", "rebuild") == -9
    assert archives.content_of(root) == before
    assert archive_index.search(root, "clip").entries == entries
    assert archive_check.check(root).damages == []
    assert archive_index.rebuild(root).entries == entries
