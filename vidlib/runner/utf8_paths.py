"""Names that UTF-8 can encode for files whose own names it cannot: neither history nor notebooks hold other names."""

import os
from contextlib import suppress
from pathlib import Path

from vidlib.files import sha256_text
from vidlib.ingest import names
from vidlib.settings import Settings
from vidlib.text import path_text


def with_utf8_name(path: Path, settings: Settings) -> Path:
    """Return ``path`` or, if UTF-8 cannot encode it, a link to it below WORKSPACE/names: the same link every time."""
    if is_utf8(path):
        return path
    folder = settings.workspace / "names" / sha256_text(path_text(path.absolute()))[:12]
    link = folder / names.safe_name(lossy_text(Path(path.name)))
    link.parent.mkdir(parents=True, exist_ok=True)
    with suppress(FileExistsError):
        link.symlink_to(path.absolute())
    return link


def lossy_text(path: Path) -> str:
    """Return ``path`` as text in which a replacement character stands for each byte that is not UTF-8."""
    return os.fsencode(path).decode(errors="replace")


def is_utf8(path: Path) -> bool:
    """Return whether UTF-8 can encode the whole ``path``."""
    try:
        str(path).encode()
    except UnicodeEncodeError:
        return False
    return True
