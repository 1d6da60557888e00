"""Names from outside made safe: no way out of a folder, no two files with one name, nothing that a system chokes on.

A name that is safe here is safe on Linux, macOS and Windows: editors copy what we deliver to all three.
"""

import re
import unicodedata
from collections import defaultdict
from collections.abc import Sequence
from pathlib import PurePosixPath

from vidlib.files import sha256_text
from vidlib.text import printable

MAX_NAME_BYTES = 200  # file systems take 255 bytes; the rest is for what later steps add, as `_tracking.parquet`
MAX_DEPTH = 8  # folders and name; 8 x 200 bytes leaves room below the 4096 bytes that Linux allows a whole path
SUFFIX_BYTES = 16  # a longer "suffix" is no file type, but a name with a dot in it

FORBIDDEN = re.compile(r'[<>:"/\\|?*]')  # by Windows
RESERVED = re.compile(r"(con|prn|aux|nul|con(in|out)\$|(com|lpt)[\d¹²³]) *(\.|$)", re.IGNORECASE)  # Windows' devices
WAY_UP = frozenset("./\\")
DRIVE = re.compile(r"^[A-Za-z]:")

JAPANESE = re.compile(r"[\x20-\x7e\u3000-\u30ff\u3400-\u9fff\uff00-\uffef]+")
JAPANESE_RUN = re.compile(r"[\u3040-\u30ff\u3400-\u9fff]{2}")


def safe_name(name: str | bytes) -> str:
    """One file or folder name (no path) that every system takes: NFC, visible, at most MAX_NAME_BYTES in UTF-8.

    Never empty, never hidden. Two names may become the same one: `safe_paths` keeps those apart.

    >>> safe_name("a:b\\n.mp4"), safe_name(".."), safe_name("NUL.mp4")
    ('a_b_.mp4', '_', '_NUL.mp4')
    """
    name = unicodedata.normalize("NFC", decode_name(name))
    name = FORBIDDEN.sub("_", printable(_with_plain_spaces(_without_lookalikes(name)))).strip(" ")
    if name.startswith("."):
        name = f"_{name[1:]}"
    if RESERVED.match(name):
        name = f"_{name}"
    return _cut(name.rstrip(". ")) or "unnamed"


def safe_paths(names: Sequence[str | bytes]) -> list[PurePosixPath]:
    """A relative path for every name, in order: safe, and each different also where case does not count.

    ``names`` are paths as an archive holds them. A folder that holds everything is left out. A name that is taken
    gets a number: ``a.mp4``, ``a-2.mp4``.

    >>> [str(path) for path in safe_paths(["job/A.mp4", "job/../a.mp4", "/job/x/a.mp4"])]
    ['A.mp4', 'a-2.mp4', 'x/a.mp4']
    """
    split = _unwrapped([split_name(name) for name in names])
    taken: dict[PurePosixPath, dict[str, int]] = defaultdict(dict)
    folders = {(): PurePosixPath()}

    def place(parts: tuple[str, ...]) -> PurePosixPath:
        folder = folder_of(parts[:-1])
        return folder / _free_name(parts[-1], taken[folder])

    def folder_of(parts: tuple[str, ...]) -> PurePosixPath:
        if parts not in folders:
            folders[parts] = place(parts)
        return folders[parts]

    return [place(_shallow(parts)) for parts in split]


def split_name(name: str | bytes) -> tuple[str, ...]:
    """The folders and the name in an archive's path, without drive, root and ``..``; backslashes separate too.

    >>> split_name("C:\\\\clips\\\\..\\\\one.mov")
    ('clips', 'one.mov')
    """
    path = DRIVE.sub("", decode_name(name).replace("\\", "/"))
    return tuple(part for part in path.split("/") if part not in ("", ".", "..")) or ("unnamed",)


def is_litter(name: str | bytes) -> bool:
    """Whether a member is what macOS leaves in archives: resource forks and folder settings, no work of anybody."""
    parts = split_name(name)
    return "__MACOSX" in parts or parts[-1] == ".DS_Store" or parts[-1].startswith("._")


def decode_name(name: str | bytes) -> str:
    """The text of a name in an archive that does not say its encoding: UTF-8, Shift-JIS or code page 437.

    Every byte string is valid in code page 437 (ZIP's own default), so that comes last; Shift-JIS is believed only
    where it reads as Japanese, with two kana or kanji in a row.

    >>> decode_name("動画.mp4".encode("cp932")), decode_name("téléphone.mp4".encode("cp437"))
    ('動画.mp4', 'téléphone.mp4')
    """
    if isinstance(name, str):
        try:
            name = name.encode("utf-8", "surrogateescape")  # bytes that were no UTF-8 (PEP 383) come back as they were
        except UnicodeEncodeError:
            name = name.encode("utf-8", "replace")
    for encoding in ("utf-8", "cp932"):
        try:
            text = name.decode(encoding)
        except UnicodeDecodeError:
            continue
        if encoding == "utf-8" or (JAPANESE.fullmatch(text) and JAPANESE_RUN.search(text)):
            return text
    return name.decode("cp437")


def _without_lookalikes(name: str) -> str:
    """``．．／a`` is one name, but ``../a`` to a program that replaces wide characters by plain ones (NFKC)."""
    if ".." not in re.split(r"[/\\]", unicodedata.normalize("NFKC", name)):
        return name
    return "".join(
        "_" if not char.isascii() and set(unicodedata.normalize("NFKC", char)) <= WAY_UP else char for char in name
    )


def _with_plain_spaces(name: str) -> str:
    """Replace every kind of space by the plain one: macOS puts another into the names of screenshots."""
    return "".join(" " if unicodedata.category(char) == "Zs" else char for char in name)


def _unwrapped(paths: list[tuple[str, ...]]) -> list[tuple[str, ...]]:
    roots = {parts[0] if len(parts) > 1 else None for parts in paths}
    return [parts[1:] for parts in paths] if len(roots) == 1 and None not in roots else paths


def _shallow(parts: tuple[str, ...]) -> tuple[str, ...]:
    """At most MAX_DEPTH parts; a checksum stands for the folders in between that are left out."""
    if len(parts) <= MAX_DEPTH:
        return parts
    kept = MAX_DEPTH - 2
    return (*parts[:kept], sha256_text("/".join(parts[kept:-1]))[:12], parts[-1])


def _free_name(name: str, taken: dict[str, int]) -> str:
    """The safe form of ``name``, numbered if it is in ``taken`` (name without case -> last number), and takes it."""
    name = free = safe_name(name)
    key = _without_case(name)
    while _without_case(free) in taken:
        taken[key] += 1
        free = _cut(name, f"-{taken[key]}")
    taken[_without_case(free)] = 1
    return free


def _without_case(name: str) -> str:
    return unicodedata.normalize("NFC", name.casefold())


def _cut(name: str, number: str = "") -> str:
    """``name`` with ``number`` before its suffix, its stem cut so that all fits into MAX_NAME_BYTES."""
    stem, dot, suffix = name.rpartition(".")
    if not stem or len(suffix.encode()) > SUFFIX_BYTES:
        stem, dot, suffix = name, "", ""
    tail = number + dot + suffix
    room = MAX_NAME_BYTES - len(tail.encode())
    return stem.encode()[:room].decode(errors="ignore").rstrip(". ") + tail
