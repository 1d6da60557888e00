"""Protects finished results: their files and folders are read-only. For root, modes are only a reminder."""

import os
import stat
from contextlib import suppress
from pathlib import Path
from shutil import rmtree

WRITE = stat.S_IWUSR | stat.S_IWGRP | stat.S_IWOTH


def make_read_only(folder: Path) -> None:
    """Take the write permission from a folder and all that is in it.

    A file with a second name keeps its mode: that name may be the user's own video, which a step linked.
    """
    for root, _, files in os.walk(folder, topdown=False):
        for path in (Path(root, name) for name in files):
            if not path.is_symlink() and path.stat().st_nlink == 1:
                path.chmod(path.stat().st_mode & ~WRITE)
        Path(root).chmod(Path(root).stat().st_mode & ~WRITE)


def remove_folder(folder: Path) -> None:
    """Remove a folder with all that is in it, read-only or not, as far as this user may; a missing one is no error."""
    for root, folders, _ in os.walk(folder):
        for path in (Path(root), *(Path(root, name) for name in folders)):
            with suppress(OSError):  # removed meanwhile, or owned by somebody else
                path.chmod(path.stat(follow_symlinks=False).st_mode | stat.S_IRWXU, follow_symlinks=False)
    rmtree(folder, ignore_errors=True)
