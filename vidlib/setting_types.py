"""The types of settings that need more than a type of Python: they check values from the environment."""

import re
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, SecretStr

Language = Literal["en", "fr"]
"""The languages of reports and summaries; each has its catalogue in ``vidlib/locale``, but English."""

Folder = Annotated[Path, AfterValidator(lambda path: path.expanduser().absolute())]

PLAIN_FOLDER = re.compile(r"\w([\w .-]{0,98}[\w-])?")
RESERVED = re.compile(r"(con|prn|aux|nul|(com|lpt)\d)(\.|$)|project\.json$", re.IGNORECASE)  # on Windows; in vidlib


def plain_folder(folder: str) -> str:
    """``folder``, if it is a relative path that is valid on every system. Raises ValueError otherwise.

    >>> plain_folder("media/my clips")
    'media/my clips'
    """
    parts = folder.split("/")
    if len(parts) > 4 or not all(PLAIN_FOLDER.fullmatch(part) and not RESERVED.match(part) for part in parts):
        raise ValueError(
            "expected a plain folder inside the project, such as docs or media/clips: letters, digits, spaces, _ - ."
        )
    return folder


def pattern_with_group(pattern: str) -> str:
    """``pattern``, if it is a regular expression with a group. Raises ValueError otherwise."""
    try:
        groups = re.compile(pattern).groups
    except re.error as error:
        raise ValueError(f"expected a regular expression: {error}") from error
    if not groups:
        raise ValueError(r"expected a regular expression with a group for the project name, such as ^\d+_(.+)$")
    return pattern


def _header_value(secret: SecretStr | None) -> SecretStr | None:
    text = secret.get_secret_value() if secret else "-"
    if not text.isascii() or not text.isprintable() or " " in text:
        raise ValueError("expected printable ASCII characters without spaces; it is secret and not shown")
    return secret


HeaderSecret = Annotated[SecretStr | None, AfterValidator(_header_value)]
"""A secret for the header of a request. The HTTP library would print one with a line break in its error."""
