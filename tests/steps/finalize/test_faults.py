"""*finalize* on disks that fail, are full, missing or of another system: nothing is lost."""

import errno
import fcntl
import os
import shutil
import stat
import subprocess
from contextlib import contextmanager, suppress
from pathlib import Path
from types import SimpleNamespace

import pytest

from tests.steps.finalize.delivering import change_results, contents, finished, inputs_of, run
from vidlib import files
from vidlib.errors import BrokenOutput
from vidlib.results import archive, delivery
from vidlib.steps import finalize
from vidlib.steps.base import Step


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
