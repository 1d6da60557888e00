"""The file ``.env`` with settings: where it may lie, and which file can be trusted.

A line in it can name a program that vidlib runs, so a file that came with a delivery must never count. The current
folder is therefore no place for it.
"""

import io
import os
import stat
from collections.abc import Iterable
from pathlib import Path

from dotenv import dotenv_values

from vidlib.errors import SettingError

NAME = ".env"
VARIABLE = "VIDLIB_ENV_FILE"
"""The environment variable that names the file; ``/dev/null`` means none."""

WRITABLE_BY_OTHERS = stat.S_IWGRP | stat.S_IWOTH


def find(folders: Iterable[Path]) -> Path | None:
    """Return the file that counts: the one that VIDLIB_ENV_FILE names, otherwise the first in ``folders``.

    Raises SettingError if the named file does not exist.
    """
    named = os.environ.get(VARIABLE)
    if not named:
        return next((file for folder in folders if (file := folder / NAME).is_file()), None)
    if named == os.devnull:
        return None
    file = Path(named).expanduser().absolute()
    if not file.is_file():
        raise SettingError(f"{VARIABLE}={named!r}: expected a file with settings; change or unset it")
    return file


def read(file: Path) -> dict[str, str]:
    """Return the variables in ``file`` that have a value.

    Raises SettingError unless this user or root owns the file, nobody else can write to it, and it is UTF-8.
    """
    try:
        with open(file, "rb") as content:
            _check_owner(file, [file.lstat(), os.fstat(content.fileno())])
            text = content.read().decode("utf-8-sig")
    except OSError as error:
        raise SettingError(f"{file} cannot be read: {error.strerror}; make it readable, or remove it") from error
    except UnicodeDecodeError as error:
        raise SettingError(
            f"{file} is not UTF-8 (byte {error.start}); expected lines such as VIDLIB_WORKSPACE=/srv/vidlib"
        ) from error
    return {name: value for name, value in dotenv_values(stream=io.StringIO(text)).items() if value}


def _check_owner(file: Path, states: list[os.stat_result]) -> None:
    """Raise SettingError if another user owns the file or a link to it, or can change the file."""
    for state in states:
        if state.st_uid not in (0, os.geteuid()):
            raise SettingError(
                f"{file} belongs to the user {state.st_uid}; expected a file of this user or of root. If you trust it, "
                "copy it to a file of your own"
            )
    if states[-1].st_mode & WRITABLE_BY_OTHERS:
        raise SettingError(f"other users can change {file}, and it can name programs to run; run: chmod go-w {file}")
