"""Small archives for tests: entries of this version, of version 0.1, and of other tools."""

import hashlib
import json
import random
from datetime import UTC, datetime, timedelta
from pathlib import Path

from vidlib.files import sha256_text
from vidlib.results import archive
from vidlib.results.archive_entry import METADATA, Entry, read
from vidlib.results.naming import ARCHIVED

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)


def analysed(folder: Path, name: str = "my clip", content: str = "") -> archive.ResultSet:
    """One video as it arrived and as it was delivered, and its results; bytes stand for all of them."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = {key: folder / f"{name} {key}" for key in ("arrived.mov", "video.mp4", *ARCHIVED)}
    for key, path in paths.items():
        path.write_text(f"this is {key} {name} {content if key in ARCHIVED else ''}")
    results = {key: paths[key] for key in ARCHIVED}
    return archive.ResultSet(paths["arrived.mov"], paths["video.mp4"], name, results)


def put(
    root: Path, work: Path, name: str = "my clip", *, project: str = "Spring", day: int = 0, content: str = ""
) -> Entry:
    """Archive a small video, ``day`` days after `NOON`."""
    return archive.put(root, project, analysed(work / name, name, content), NOON + timedelta(days=day))


def put_of_version_0_1(root: Path, work: Path, name: str) -> Entry:
    """Archive a small video as version 0.1 did: without a checksum of the metadata."""
    entry = put(root, work, name)
    document = json.loads((entry.folder / METADATA).read_text())
    del document["checksum"]
    (entry.folder / METADATA).write_text(json.dumps(document, indent=2, ensure_ascii=False) + "\n")
    return read(entry.folder)


def put_of_other_tool(root: Path, name: str, project: str = "Old 20240102_030405") -> Entry:
    """Write an entry of another tool: neither checksums nor a source hash, and a time without a zone."""
    video_hash = sha256_text(name)
    folder = root / project / video_hash
    folder.mkdir(parents=True)
    document = {
        "video_path": f"/mnt/clips/{name}.mp4",
        "video_stem": name,
        "video_hash": video_hash,
        "created_at": "2024-01-02T03:04:05",
        "copied": {"scenes": True, "audio": True, "tracking": False},
        "operator": "somebody",
    }
    (folder / METADATA).write_text(json.dumps(document))
    (folder / f"{name}_scenes.csv").write_text("No")
    (folder / f"{name}_audio.json").write_text("{}")
    return read(folder)


def mixed(root: Path, work: Path) -> list[Entry]:
    """Nine entries of all three kinds, in three projects."""
    entries = [put(root, work, f"clip {n}", project=f"P{n % 2}", day=n) for n in range(5)]
    entries += [put_of_version_0_1(root, work, f"older {n}") for n in range(2)]
    return entries + [put_of_other_tool(root, f"foreign {n}") for n in range(2)]


def flip(path: Path, chance: random.Random) -> None:
    """Change one bit of a file."""
    data = bytearray(path.read_bytes())
    data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
    path.write_bytes(data)


def content_of(root: Path) -> dict[str, str]:
    """``{file: its SHA-256}`` for all that is no hidden file at the top of the archive."""
    files = [path for path in sorted(root.glob("[!.]*/**/*")) if path.is_file()]
    return {str(path.relative_to(root)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}
