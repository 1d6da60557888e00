"""Safe names for foreign ones: no way out of a folder, no duplicates, no character that a system rejects.

A safe name is valid on Linux, macOS and Windows, because editors copy our files to all three.
"""

import re
import unicodedata
from collections import defaultdict
from collections.abc import Sequence
from pathlib import PurePosixPath

from vidlib.files import sha256_text
from vidlib.text import printable

MAX_NAME_BYTES = 200  # file systems allow 255; later steps add suffixes such as `_tracking.parquet`
MAX_DEPTH = 8  # folders and name: 8 x 200 bytes stay below the 4096 bytes of a path on Linux
SUFFIX_BYTES = 16  # a longer "suffix" is a part of the name

FORBIDDEN = re.compile(r'[<>:"/\\|?*]')  # by Windows
RESERVED = re.compile(r"(con|prn|aux|nul|con(in|out)\$|(com|lpt)[\d¹²³]) *(\.|$)", re.IGNORECASE)  # Windows' devices
WAY_UP = frozenset("./\\")
DRIVE = re.compile(r"^[A-Za-z]:")

JAPANESE = re.compile(r"[\x20-\x7e\u3000-\u30ff\u3400-\u9fff\uff00-\uffef]+")
JAPANESE_RUN = re.compile(r"[\u3040-\u30ff\u3400-\u9fff]{2}")


def safe_name(name: str | bytes) -> str:
    """Return a file or folder name (not a path) that every system accepts: NFC, visible, at most MAX_NAME_BYTES.

    It is never empty and never hidden. Two names may become the same: `safe_paths` keeps them apart.

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
    """Return a safe relative path for every name, in order; no two are equal, even without case.

    ``names`` are paths in an archive. A folder around everything is removed. A taken name gets a number: ``a.mp4``,
    ``a-2.mp4``.

    >>> [str(path) for path in safe_paths(["job/A.mp4", "job/../a.mp4", "/job/x/a.mp4"])]
    ['A.mp4', 'a-2.mp4', 'x/a.mp4']
    """
    split = _unwrapped([split_name(name) for name in names])
    taken: dict[PurePosixPath, dict[str, int]] = defaultdict(dict)
    folders: dict[tuple[str, ...], PurePosixPath] = {(): PurePosixPath()}

    def place(parts: tuple[str, ...]) -> PurePosixPath:
        folder = folder_of(parts[:-1])
        return folder / _free_name(parts[-1], taken[folder])

    def folder_of(parts: tuple[str, ...]) -> PurePosixPath:
        if parts not in folders:
            folders[parts] = place(parts)
        return folders[parts]

    return [place(_shallow(parts)) for parts in split]


def split_name(name: str | bytes) -> tuple[str, ...]:
    """Return the folders and the name of an archive's path, without drive, root and ``..``; backslashes separate, too.

    >>> split_name("C:\\\\clips\\\\..\\\\one.mov")
    ('clips', 'one.mov')
    """
    path = DRIVE.sub("", decode_name(name).replace("\\", "/"))
    return tuple(part for part in path.split("/") if part not in ("", ".", "..")) or ("unnamed",)


def leads_outside(name: str | bytes) -> bool:
    """Return whether an archive's path leads out of the folder that it is unpacked into, also after normalization.

    >>> leads_outside("../x.mp4"), leads_outside("C:/x.mp4"), leads_outside("a/../x.mp4"), leads_outside("a/../../x")
    (True, True, False, True)
    """
    text = decode_name(name)
    return any(_climbs_out(path.replace("\\", "/")) for path in (text, unicodedata.normalize("NFKC", text)))


def _climbs_out(path: str) -> bool:
    if path.startswith("/") or DRIVE.match(path):
        return True
    depth = 0
    for part in path.split("/"):
        depth += -1 if part == ".." else part not in ("", ".")
        if depth < 0:
            return True
    return False


def is_litter(name: str | bytes) -> bool:
    """Return whether a member is a resource fork or a folder setting of macOS, not a delivered file."""
    parts = split_name(name)
    return "__MACOSX" in parts or parts[-1] == ".DS_Store" or parts[-1].startswith("._")


def decode_name(name: str | bytes) -> str:
    """Decode a name from an archive that does not store its encoding: UTF-8, Shift-JIS or code page 437.

    Every byte string is valid in code page 437 (the default of ZIP), so it is the last choice. A name counts as
    Shift-JIS only if it reads as Japanese, with two kana or kanji in a row.

    >>> decode_name("動画.mp4".encode("cp932")), decode_name("téléphone.mp4".encode("cp437"))
    ('動画.mp4', 'téléphone.mp4')
    """
    if isinstance(name, str):
        try:
            encoded = name.encode("utf-8", "surrogateescape")  # restores bytes that were not UTF-8 (PEP 383)
        except UnicodeEncodeError:
            encoded = name.encode("utf-8", "replace")
    else:
        encoded = name
    for encoding in ("utf-8", "cp932"):
        try:
            text = encoded.decode(encoding)
        except UnicodeDecodeError:
            continue
        if encoding == "utf-8" or (JAPANESE.fullmatch(text) and JAPANESE_RUN.search(text)):
            return text
    return encoded.decode("cp437")


def _without_lookalikes(name: str) -> str:
    """Replace wide dots and slashes: ``．．／a`` becomes ``../a`` in a program that normalizes to NFKC."""
    if ".." not in re.split(r"[/\\]", unicodedata.normalize("NFKC", name)):
        return name
    return "".join(
        "_" if not char.isascii() and set(unicodedata.normalize("NFKC", char)) <= WAY_UP else char for char in name
    )


def _with_plain_spaces(name: str) -> str:
    """Replace every kind of space by the plain one: macOS puts another into the names of screenshots."""
    return "".join(" " if unicodedata.category(char) == "Zs" else char for char in name)


def _unwrapped(paths: list[tuple[str, ...]]) -> list[tuple[str, ...]]:
    """Remove the first folder if it contains all paths."""
    roots = {parts[0] if len(parts) > 1 else None for parts in paths}
    return [parts[1:] for parts in paths] if len(roots) == 1 and None not in roots else paths


def _shallow(parts: tuple[str, ...]) -> tuple[str, ...]:
    """Return at most MAX_DEPTH parts, with a checksum in place of the folders in the middle."""
    if len(parts) <= MAX_DEPTH:
        return parts
    n_first = MAX_DEPTH - 2
    return (*parts[:n_first], sha256_text("/".join(parts[n_first:-1]))[:12], parts[-1])


def _free_name(name: str, taken: dict[str, int]) -> str:
    """Return the safe form of ``name``, numbered if needed, and add it to ``taken`` (names without case)."""
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
    """Return ``name`` with ``number`` before its suffix, and its stem cut to fit into MAX_NAME_BYTES."""
    stem, dot, suffix = name.rpartition(".")
    if not stem or len(suffix.encode()) > SUFFIX_BYTES:
        stem, dot, suffix = name, "", ""
    tail = number + dot + suffix
    room = MAX_NAME_BYTES - len(tail.encode())
    return stem.encode()[:room].decode(errors="ignore").rstrip(". ") + tail
