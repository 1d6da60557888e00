import errno
import fcntl
import json
import os
import shutil
import stat
import subprocess
from contextlib import contextmanager, suppress
from pathlib import Path
from types import SimpleNamespace

import pytest
from pydantic import ValidationError

from vidlib import files
from vidlib.corrections import store
from vidlib.corrections.actions import AddCut
from vidlib.errors import BrokenOutput
from vidlib.jupyter_import import papermill
from vidlib.plots import delivery as delivery_plot
from vidlib.results import archive, delivery
from vidlib.steps import finalize
from vidlib.steps.base import Step, fingerprint_of

NOTEBOOK = Path(__file__).parents[2] / "notebooks" / finalize.NOTEBOOK
RESULTS = ("shots_csv", "audio_json", "tracking_json", "tracking_parquet", "rttm")


@pytest.fixture
def home(tmp_path):
    """Two finished videos of one name in two folders, each with its results; bytes stand for the media."""
    for stem in ("A/clip", "B/clip"):
        folder = tmp_path / "work" / stem
        folder.mkdir(parents=True)
        for name in ("source", "video", *RESULTS):
            (folder / name).write_text(f"{name} of {stem}")
    return tmp_path


def finished(home: Path, clip: str, **others) -> dict:
    """The video whose files lie in ``work/<clip>``, as a notebook is given it."""
    files_of_clip = {name: str(home / "work" / clip / name) for name in ("source", "video", *RESULTS)}
    return {"stem": clip} | files_of_clip | others


def inputs_of(home: Path, videos: list[dict] | None = None) -> finalize.Inputs:
    return finalize.Inputs(
        project="Spring",
        videos=videos or [finished(home, "A/clip"), finished(home, "B/clip")],
        archive_dir=home / "archive",
        delivery_dir=home / "delivery",
        out_dir=home / "out",
    )


def run(home: Path, videos: list[dict] | None = None, **params) -> finalize.Outputs:
    return finalize.run(inputs_of(home, videos), finalize.Params(**params))


def contents(folder: Path) -> dict[str, str]:
    """``{relative path: text}`` of every file in a folder; lock files are left out."""
    found = (path for path in sorted(folder.rglob("*")) if path.is_file() and path.name != ".lock")
    return {str(path.relative_to(folder)): path.read_text() for path in found}


def change_results(home: Path) -> None:
    (home / "work/A/clip/audio_json").write_text("somebody else speaks")


def test_the_editor_gets_every_video_with_its_results_in_the_folders_it_came_in(home):
    outputs = run(home)
    delivered = contents(home / "delivery/Spring")
    names = ("clip.mp4", "clip.csv", "clip_audio.json", "clip_tracking.json", "clip_tracking.parquet", "clip.rttm")
    assert set(delivered) == {f"{folder}/{name}" for folder in "AB" for name in names}
    assert delivered["B/clip.mp4"] == "video of B/clip"
    assert set(outputs.delivered) == {str(home / "delivery/Spring" / name) for name in delivered}


def test_what_is_said_is_delivered_and_archived_only_where_somebody_understood_it(home):
    said = home / "work/A/clip/captions"
    said.write_text("WEBVTT")
    outputs = run(home, [finished(home, "A/clip", captions=str(said)), finished(home, "B/clip")])
    assert outputs.left_out == ()
    assert (home / "delivery/Spring/A/clip.vtt").read_text() == "WEBVTT"
    assert not (home / "delivery/Spring/B/clip.vtt").exists()
    held = [(Path(folder) / "clip.vtt").exists() for folder in outputs.archived]
    assert held == [True, False]
    assert delivery_plot.results(json.loads(outputs.delivery.read_text())).axes[0].get_legend()


def test_results_are_archived_under_the_hash_of_the_delivered_video(home):
    outputs = run(home)
    for stem, folder in zip(("A/clip", "B/clip"), outputs.archived, strict=True):
        (entry,) = archive.find(home / "archive", files.sha256(home / "work" / stem / "source"))
        assert str(entry.folder) == folder
        assert entry.folder.name == files.sha256(home / "delivery/Spring" / f"{stem}.mp4")


def test_decisions_of_people_are_archived_with_the_results_that_have_them(home):
    content = files.sha256(home / "work/A/clip/source")
    decided = store.append(home / "corrections", content, AddCut(frame=7), "anna")
    plain, corrected = (
        inputs_of(home, [finished(home, "A/clip", corrections=own)]) for own in ([], [decided.model_dump(mode="json")])
    )
    finalize.run(corrected, finalize.Params())
    (archived,) = (home / "archive").rglob("*_corrections.json")
    assert archived.read_bytes() == store.path_of(home / "corrections", content).read_bytes()
    ingredients = [Step(finalize).ingredients(inputs, finalize.Params()) for inputs in (plain, corrected)]
    assert "corrections" not in ingredients[0]["inputs"]["videos"][0]
    assert fingerprint_of(ingredients[0]) != fingerprint_of(ingredients[1])


def test_the_listing_names_every_file_with_its_hash(home):
    listing = json.loads(run(home).delivery.read_text())
    listed = [file for video in listing["videos"] for file in (*video["delivered"], *video["archived"])]
    assert len(listed) == 2 * (6 + 5)
    assert all(files.sha256(Path(file["path"])) == file["sha256"] for file in listed)


def test_running_again_changes_nothing(home):
    def places():
        paths = [*(home / "delivery").rglob("*"), *(home / "archive").rglob("*")]
        return {path: (path.stat().st_ino, path.stat().st_mtime_ns) for path in paths if path.name != ".lock"}

    first = run(home)
    before = places()
    assert run(home) == first
    assert places() == before


def test_other_results_replace_the_delivery_and_the_old_one_is_kept(home):
    run(home)
    before = contents(home / "delivery/Spring")
    change_results(home)
    run(home)
    (kept,) = (home / "delivery").glob("Spring.previous-*")
    assert contents(kept) == before
    assert contents(home / "delivery/Spring") == before | {"A/clip_audio.json": "somebody else speaks"}
    assert len(archive.find(home / "archive", files.sha256(home / "work/A/clip/video"))) == 2
    assert len(archive.find(home / "archive", files.sha256(home / "work/B/clip/video"))) == 1


def test_files_that_did_not_change_take_no_room_in_the_kept_delivery(home):
    run(home)
    change_results(home)
    run(home)
    (kept,) = (home / "delivery").glob("Spring.previous-*")
    assert (kept / "A/clip.mp4").samefile(home / "delivery/Spring/A/clip.mp4")


def test_what_an_editor_put_into_the_delivery_stays_there(home):
    run(home)
    edit = home / "delivery/Spring/A/edit.aep"
    edit.write_text("two days of work")
    run(home)
    change_results(home)
    run(home)
    assert edit.read_text() == "two days of work"


def test_a_video_that_did_not_finish_is_left_out_and_said(home):
    failed = finished(home, "B/clip", tracking_json=None, tracking_parquet=None)
    outputs = run(home, [finished(home, "A/clip"), failed])
    assert [video.stem for video in outputs.left_out] == ["B/clip"]
    assert "tracking_json, tracking_parquet" in outputs.left_out[0].reason
    assert not (home / "delivery/Spring/B").exists()
    assert len(outputs.archived) == 1


def test_a_video_that_fails_now_keeps_what_was_delivered_of_it(home):
    run(home)
    change_results(home)
    run(home, [finished(home, "A/clip"), finished(home, "B/clip", rttm=None)])
    delivered = contents(home / "delivery/Spring")
    assert delivered["A/clip_audio.json"] == "somebody else speaks"
    assert delivered["B/clip.mp4"] == "video of B/clip"


def test_a_project_where_nothing_finished_delivers_nothing(home):
    outputs = run(home, [finished(home, "A/clip", video=None)])
    assert (outputs.delivered, outputs.archived) == ((), ())
    assert not (home / "delivery/Spring").exists()


def test_all_or_nothing_delivers_nothing_while_a_video_is_incomplete(home):
    videos = [finished(home, "A/clip"), finished(home, "B/clip", tracking_json=None)]
    outputs = run(home, videos, deliver="all")
    assert outputs.delivered == ()
    assert not (home / "delivery/Spring").exists()
    assert len(outputs.archived) == 1
    assert [video.stem for video in outputs.left_out] == ["A/clip", "B/clip"]
    assert outputs.left_out[0].reason.endswith("did not finish: B/clip")
    assert delivery_plot.videos(json.loads(outputs.delivery.read_text()))
    assert delivery_plot.results(json.loads(outputs.delivery.read_text()))
    assert len(run(home, deliver="all").delivered) == 2 * 6


def test_videos_alone_are_delivered_also_without_their_analysis(home):
    videos = [
        finished(home, "A/clip"),
        finished(home, "B/clip", **dict.fromkeys(RESULTS)),
        finished(home, "A/clip", stem="C", video=None),
    ]
    outputs = run(home, videos, deliver="videos")
    assert set(contents(home / "delivery/Spring")) == {"A/clip.mp4", "B/clip.mp4"}
    assert (len(outputs.archived), [video.stem for video in outputs.left_out]) == (1, ["C"])
    assert delivery_plot.results(json.loads(outputs.delivery.read_text()))


def test_sources_are_left_as_they_are(home):
    before = contents(home / "work")
    run(home)
    assert contents(home / "work") == before


@pytest.mark.parametrize("damage", ["clip.mp4", "clip_audio.json"])
def test_a_delivery_that_was_changed_is_no_finished_step(home, damage):
    run(home)
    step = Step(finalize)
    step.outputs(home / "out")
    (home / "delivery/Spring/A" / damage).write_text("changed")
    with pytest.raises(BrokenOutput, match=damage):
        step.outputs(home / "out")
    run(home)
    step.outputs(home / "out")


def test_a_new_name_is_another_delivery_a_new_place_is_not(home):
    step, params = Step(finalize), finalize.Params()
    inputs = inputs_of(home)
    moved = inputs.model_copy(update={"delivery_dir": home / "elsewhere"})
    renamed = inputs_of(home, [finished(home, "A/clip"), finished(home, "B/clip", stem="C/clip")])
    assert fingerprint_of(step.ingredients(moved, params)) == fingerprint_of(step.ingredients(inputs, params))
    assert fingerprint_of(step.ingredients(renamed, params)) != fingerprint_of(step.ingredients(inputs, params))


@pytest.mark.parametrize("stem", ["", "/etc/passwd", "../clip", "a/../../clip", "."])
def test_a_stem_that_leads_out_of_the_delivery_is_refused(home, stem):
    with pytest.raises(ValidationError, match="below the project's folder"):
        inputs_of(home, [finished(home, "A/clip", stem=stem)])


@pytest.mark.parametrize("project", ["", "..", ".hidden", "a/b"])
def test_a_project_name_that_is_no_plain_folder_is_refused(home, project):
    with pytest.raises(ValidationError, match="plain name"):
        finalize.Inputs(**(inputs_of(home).model_dump() | {"project": project}))


def test_two_videos_with_one_name_are_refused(home):
    with pytest.raises(ValidationError, match="a/clip"):
        inputs_of(home, [finished(home, "A/clip"), finished(home, "A/clip", stem="a/Clip")])


def test_a_copy_that_is_not_what_was_copied_is_not_delivered(home, monkeypatch):
    def cut_short(source, target):
        Path(target).write_bytes(Path(source).read_bytes()[:-1])

    monkeypatch.setattr(shutil, "copyfile", cut_short)
    with pytest.raises(BrokenOutput, match="changed or cut"):
        run(home)
    assert contents(home / "delivery") == contents(home / "archive") == {}


OPERATIONS = (
    (os, "rename"),
    (os, "replace"),
    (os, "fsync"),
    (os, "link"),
    (os, "unlink"),
    (shutil, "copyfile"),
    (shutil, "rmtree"),
    (files, "_rename_exchange"),
)


@contextmanager
def failing(monkeypatch, at: int, for_good: bool):
    """Every operation on files is counted; number ``at`` fails, and all that follow if it is ``for_good``: as if the
    process had died there, since nothing can be tidied up any more. Yields the list of operations that were tried."""
    tried = []

    def counted(name, real):
        def operation(*args, **kwargs):
            tried.append(name)
            if len(tried) == at or (for_good and len(tried) > at > 0):
                raise OSError(errno.ENOSPC, "No space left on device")
            # nothing here survives the test: a real fsync would only make it slow
            return None if name == "fsync" else real(*args, **kwargs)

        return operation

    with monkeypatch.context() as patch:
        for module, name in OPERATIONS:
            patch.setattr(module, name, counted(name, getattr(module, name)))
        yield tried


def assert_nothing_is_lost(home: Path, before: dict[str, str], after: dict[str, str]) -> None:
    """The delivery is whole, old or new; the old one is there; every entry of the archive is sound."""
    delivery = home / "delivery"
    assert contents(delivery / "Spring") in (before, after)
    kept = [contents(folder) for folder in delivery.iterdir() if folder.is_dir() and not folder.name.startswith(".")]
    assert before in kept
    entries = archive.find(home / "archive", files.sha256(home / "work/A/clip/video"))
    assert entries
    for entry in entries:
        archive.verify(entry)


@pytest.mark.slow
@pytest.mark.parametrize("for_good", [False, True], ids=["once", "for good"])
def test_a_failure_at_any_point_loses_nothing_and_the_next_run_finishes(home, tmp_path, monkeypatch, for_good):
    videos = [finished(home, "A/clip")]
    run(home, videos)
    before = contents(home / "delivery/Spring")
    change_results(home)
    after = before | {"A/clip_audio.json": "somebody else speaks"}

    def attempt(at: int) -> int:
        """Fail at one operation, then run again, both on a fresh copy of what was there; how many were tried."""
        copy = shutil.copytree(home, tmp_path.with_name(f"{tmp_path.name}-{at}"))
        with failing(monkeypatch, at, for_good) as tried, suppress(OSError):
            run(copy, videos)
        assert_nothing_is_lost(copy, before, after)
        with failing(monkeypatch, 0, False):
            run(copy, videos)
        assert_nothing_is_lost(copy, before, after)
        assert contents(copy / "delivery/Spring") == after
        assert not [*(copy / "delivery").glob(".tmp-*"), *(copy / "archive").glob(".tmp-*")]
        return len(tried)

    n_operations = attempt(0)
    assert n_operations > 50
    for at in range(1, n_operations + 1):
        attempt(at)


@pytest.mark.parametrize("at", [0, 1, 2, 3])
def test_where_names_cannot_be_exchanged_the_delivery_is_replaced_by_renames(tmp_path, monkeypatch, at):
    """``at`` is the rename that fails: 0 none, 1 staging, 2 and 3 within the swap."""
    new, final, kept = (tmp_path / name for name in ("new", "final", "kept"))
    for folder in (new, final):
        folder.mkdir()
        (folder / "file").write_text(folder.name)
    real, calls = os.rename, []

    def cannot(one, other):
        raise OSError(errno.EINVAL, "Invalid argument")

    def rename(one, other):
        calls.append(one)
        if len(calls) == at:
            raise OSError(errno.EIO, "Input/output error")
        real(one, other)

    monkeypatch.setattr(files, "_rename_exchange", cannot)
    monkeypatch.setattr(os, "rename", rename)
    if at:
        with pytest.raises(OSError, match="Input/output"):
            files.replace_folder(new, final, kept)
        assert contents(final) == {"file": "final"}
    else:
        files.replace_folder(new, final, kept)
        assert contents(final) == {"file": "new"}
        assert contents(kept) == {"file": "final"}
    assert {path.name for path in tmp_path.iterdir()} == ({"new", "final"} if at else {"kept", "final"})


def deliver_twice(home: Path) -> None:
    """Deliver, change a result, and deliver again; an editor's file and the old delivery are kept."""
    run(home)
    (home / "delivery/Spring/A/edit.aep").write_text("two days of work")
    before = contents(home / "delivery/Spring")
    change_results(home)
    run(home)
    assert contents(home / "delivery/Spring") == before | {"A/clip_audio.json": "somebody else speaks"}
    (kept,) = (home / "delivery").glob("Spring.previous-*")
    assert contents(kept) == before
    assert {path.name for path in (home / "delivery").iterdir()} <= {"Spring", kept.name, ".lock", ".lock-held"}
    Step(finalize).outputs(home / "out")


@pytest.mark.parametrize("code", [errno.EPERM, errno.ENOTSUP, errno.EINVAL])
def test_a_disk_without_permissions_links_locks_and_exchange_is_delivered_to(home, monkeypatch, code):
    """As exFAT and NTFS by FUSE, and SMB, answer to a user who is not root."""

    def refuse(*args, **kwargs):
        raise OSError(code, os.strerror(code))

    def cannot(*args, **kwargs):
        raise OSError(errno.EINVAL, "Invalid argument")

    def fsync(fd, real=os.fsync):
        if stat.S_ISDIR(os.fstat(fd).st_mode):
            cannot()
        real(fd)

    def flock(*args, **kwargs):
        raise OSError(errno.ENOLCK, "No locks available")

    for name in ("chmod", "fchmod", "lchmod", "chown", "link", "setxattr", "symlink"):
        monkeypatch.setattr(os, name, refuse, raising=False)
    monkeypatch.setattr(os, "fsync", fsync)
    monkeypatch.setattr(fcntl, "flock", flock)
    monkeypatch.setattr(files, "_rename_exchange", cannot)
    deliver_twice(home)
    assert contents(home / "delivery/Spring")["A/clip_audio.json"] == "somebody else speaks"


@pytest.mark.parametrize("at", [2, 3])
def test_a_crash_between_two_renames_is_completed_by_the_next_run(home, monkeypatch, at):
    """Names cannot be exchanged; the process dies before its rename number ``at`` of three."""
    run(home)
    before = contents(home / "delivery/Spring")
    change_results(home)
    real, calls = os.rename, []

    def cannot(*args):
        raise OSError(errno.EINVAL, "Invalid argument")

    def rename(one, other):
        if calls or ".swap" in str(other):
            calls.append(other)
        if len(calls) >= at:
            raise KeyboardInterrupt  # as nothing can be tidied up after it
        real(one, other)

    with monkeypatch.context() as patch:
        patch.setattr(files, "_rename_exchange", cannot)
        patch.setattr(os, "rename", rename)
        with pytest.raises(KeyboardInterrupt):
            run(home)
    assert list((home / "delivery").glob("*.swap"))
    run(home)
    assert contents(home / "delivery/Spring") == before | {"A/clip_audio.json": "somebody else speaks"}
    kept = [contents(folder) for folder in (home / "delivery").glob("Spring.previous-*")]
    assert kept == [before]


@pytest.mark.parametrize("folder", ["delivery_dir", "archive_dir"])
def test_a_disk_that_is_not_there_is_named_and_no_folder_is_made_in_its_place(home, folder):
    inputs = inputs_of(home).model_copy(update={folder: home / "mnt" / "disk" / "folder"})
    with pytest.raises(BrokenOutput, match=f"VIDLIB_{folder.upper()}"):
        finalize.run(inputs, finalize.Params())
    assert not (home / "mnt").exists()


def test_too_little_space_is_named_before_anything_is_copied(home, monkeypatch):
    run(home)
    before = contents(home / "delivery")
    change_results(home)
    monkeypatch.setattr(delivery, "disk_usage", lambda path: SimpleNamespace(free=7))
    with pytest.raises(OSError, match="20 bytes are needed, 7 are free"):
        run(home)
    assert contents(home / "delivery") == before


@contextmanager
def mounted(folder: Path, *command: str):
    """Mount a file system at ``folder``; skips the test where this user or the system cannot."""
    folder.mkdir()
    done = subprocess.run([*command, str(folder)], capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"cannot mount: {done.stderr.strip()}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", str(folder)], check=True)


needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root mounts disks")


@needs_root
def test_a_full_disk_keeps_the_earlier_delivery_and_the_next_run_completes_it(home, monkeypatch):
    with mounted(home / "delivery", "mount", "-t", "tmpfs", "-o", "size=256k", "none") as disk:
        run(home)
        before = contents(disk / "Spring")
        (home / "work/A/clip/tracking_parquet").write_bytes(b"x" * 180_000)
        filler = disk / "filler"
        filler.write_bytes(b"x" * 150_000)
        monkeypatch.setattr(delivery, "_check_space", lambda *args: None)  # others may fill the disk after the check
        with pytest.raises(OSError, match="No space left"):
            run(home)
        assert contents(disk / "Spring") == before
        assert not list(disk.glob(".tmp-*"))
        filler.unlink()
        run(home)
        assert (disk / "Spring/A/clip_tracking.parquet").stat().st_size == 180_000


DISKS = {
    "vfat": (["mkfs.vfat"], ["mount", "-t", "vfat"]),
    "exfat": (["mkfs.exfat"], ["mount", "-t", "exfat"]),
    "exfat by FUSE": (["mkfs.exfat"], ["mount.exfat-fuse"]),
    "ntfs by FUSE": (["mkntfs", "--fast", "--force"], ["ntfs-3g"]),
}


@needs_root
@pytest.mark.parametrize("kind", DISKS)
def test_a_real_disk_of_another_system_is_delivered_to(home, kind):
    make, mount = DISKS[kind]
    if not (shutil.which(make[0]) and shutil.which(mount[0]) and shutil.which("losetup")):
        pytest.skip(f"{make[0]} or {mount[0]} is not installed")
    image = home / "disk.img"
    with open(image, "wb") as file:
        file.truncate(40_000_000)
    subprocess.run([*make, str(image)], check=True, capture_output=True)
    device = subprocess.run(["losetup", "--find", "--show", str(image)], capture_output=True, text=True, check=False)
    if device.returncode:
        pytest.skip(f"no loop device: {device.stderr.strip()}")
    try:
        with mounted(home / "delivery", *mount, device.stdout.strip()):
            deliver_twice(home)
            assert contents(home / "delivery/Spring")["A/clip_audio.json"] == "somebody else speaks"
    finally:
        subprocess.run(["losetup", "--detach", device.stdout.strip()], check=True)


@pytest.mark.slow
def test_the_notebook_delivers_and_shows_what(home, forked_notebooks):
    """As the pipeline runs it: parameters are plain JSON values, and one video did not finish."""
    videos = [finished(home, "A/clip"), finished(home, "B/clip", video=None)]
    parameters = inputs_of(home, videos).model_dump(mode="json")
    executed = papermill.execute_notebook(
        str(NOTEBOOK), str(home / "out.ipynb"), parameters=parameters, kernel_name="python3", progress_bar=False
    )
    shown = {cell.id: [*output.data] for cell in executed.cells for output in cell.get("outputs", [])}
    assert "image/png" in shown["videos"]
    assert "image/png" in shown["results"]
    assert Step(finalize).outputs(home / "out").left_out[0].stem == "B/clip"
