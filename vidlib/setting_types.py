"""The types of settings that need more than a type of Python: they check values from the environment."""

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

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


def host_names(listed: str | None) -> frozenset[str]:
    """The comma-separated names in lower case."""
    return frozenset(name.strip().lower() for name in (listed or "").split(",") if name.strip())


def contains_password(url: str) -> bool:
    """Whether ``url``, such as that of a database, contains a password."""
    address = urlsplit(url) if "://" in url else None
    return address is not None and ("@" in address.netloc or "password=" in address.query)


def _header_value(secret: SecretStr | None) -> SecretStr | None:
    text = secret.get_secret_value() if secret else "-"
    if not text.isascii() or not text.isprintable() or " " in text:
        raise ValueError("expected printable ASCII characters without spaces; it is secret and not shown")
    return secret


HeaderSecret = Annotated[SecretStr | None, AfterValidator(_header_value)]
"""A secret for the header of a request. The HTTP library would print one with a line break in its error."""


Role = Literal["operator", "viewer"]
"""What an account of the dashboard may do: everything, or only look."""

OPERATOR: Role = "operator"
ROLES: tuple[Role, ...] = (OPERATOR, "viewer")
ACCOUNT_NAME = re.compile(r"\w([\w .@-]{0,38}\w)?")


@dataclass(frozen=True)
class Account:
    """A person or a group that may sign in to the dashboard."""

    name: str
    role: Role
    token: str = field(repr=False)


def named_tokens(secret: SecretStr | None) -> tuple[Account, ...]:
    """The accounts in ``name:role:token, name:role:token``. Raises ValueError, without a token, for another form."""
    entries = [entry.strip() for entry in (secret.get_secret_value() if secret else "").split(",")]
    accounts = tuple(_account(number, entry) for number, entry in enumerate(entries, 1) if entry)
    for what, values in (("name", [a.name for a in accounts]), ("token", [a.token for a in accounts])):
        if len(set(values)) < len(values):
            raise ValueError(f"expected another {what} for each entry; it is secret and not shown")
    return accounts


def _account(number: int, entry: str) -> Account:
    name, _, rest = entry.partition(":")
    role, _, token = rest.partition(":")
    if not ACCOUNT_NAME.fullmatch(name) or name == OPERATOR or role not in ROLES or not token.strip():
        raise ValueError(
            f"expected name:role:token in entry {number}, with the role operator or viewer and another name than "
            "operator; it is secret and not shown"
        )
    return Account(name, role, token)


def _checked_tokens(secret: SecretStr | None) -> SecretStr | None:
    named_tokens(secret)
    return secret


NamedTokens = Annotated[SecretStr | None, AfterValidator(_checked_tokens)]
"""The tokens of several people, as `named_tokens` reads them."""
