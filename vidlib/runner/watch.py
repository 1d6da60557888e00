"""Watches the inbox: what arrives there is started by itself once it has stopped growing.

It looks again and again, on purpose: what another machine writes to a network file system is told to nobody (inotify
sees only what this machine does).
"""

import logging
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from vidlib.errors import VidlibError
from vidlib.files import canonical_json, sha256_text
from vidlib.ingest.arrivals import is_arriving, may_be_delivery
from vidlib.runner.projects import VIDEO_SUFFIXES, content_sha256, find_videos, is_archive
from vidlib.settings import Settings

EVERY_S = 10.0
SETTLE_S = 60.0  # an NFS client may show a growing file as it was for so long (acregmax in nfs(5))

Since = dict[Path, tuple[str, float]]
"""For each entry of an inbox what it looks like, and since when."""

log = logging.getLogger("vidlib.watch")


@dataclass
class Watched:
    """What is known of an inbox between two looks at it.

    ``settled_with`` are the looks of entries that were started, are known or are no deliveries: each is judged once.
    ``ignored`` and ``troubled`` are what the log named already.
    """

    since: Since = field(default_factory=dict)
    settled_with: set[tuple[Path, str]] = field(default_factory=set)
    ignored: set[Path] = field(default_factory=set)
    troubled: set[Path] = field(default_factory=set)


def watch(
    settings: Settings,
    start: Callable[[list[Path]], object],
    *,
    known: Callable[[str], bool],
    stop: threading.Event,
    every_s: float = EVERY_S,
    settle_s: float = SETTLE_S,
    clock: Callable[[], float] = time.monotonic,
) -> None:
    """Call ``start`` with what is new in the inbox and has not changed for ``settle_s`` seconds, until ``stop`` is set.

    New is what ``known``, given the SHA-256 of its content, does not know, and what was not started before as it is
    now (path, sizes, dates): a file that fails is not started again until it is replaced. A ``start`` that raises
    VidlibError or OSError is logged, and so is an inbox that cannot be read for a while.
    """
    log.info("watching %s", settings.inbox)
    watched = Watched()
    while not stop.is_set():
        with _retried(watched, settings.inbox):
            settings.inbox.mkdir(parents=True, exist_ok=True)
            entries = settled(settings.inbox, watched.since, settle_s=settle_s, now=clock())
            if paths := _new(entries, watched, known, stop):
                _start(paths, start)
        stop.wait(every_s)


def settled(inbox: Path, since: Since, *, settle_s: float, now: float) -> dict[Path, str]:
    """The entries of ``inbox`` that have looked the same for ``settle_s`` seconds, by name, with what they look like.

    What is hidden or still arriving is left out. ``since`` remembers earlier calls, and is brought up to date; ``now``
    is in seconds of any clock. Raises OSError if the folder cannot be read.
    """
    paths = sorted(path for path in inbox.iterdir() if may_be_delivery(path.name))
    looks = {path: look for path in paths if (look := look_at(path))}
    for gone in since.keys() - looks.keys():
        del since[gone]
    for path, look in looks.items():
        if path not in since or since[path][0] != look:
            since[path] = (look, now)
    return {path: look for path, look in looks.items() if now - since[path][1] >= settle_s}


def look_at(path: Path) -> str | None:
    """What changes when a file, or anything in a folder, does: names, sizes and dates of all of it.

    None while something in it is still arriving, or cannot be looked at.
    """
    try:
        stats = {"": path.stat()} | {str(inner.relative_to(path)): inner.lstat() for inner in path.rglob("*")}
    except OSError:  # it went away since the folder was listed, or the network did
        return None
    if any(is_arriving(name) for name in stats):
        return None
    return sha256_text(canonical_json({name: [stat.st_size, stat.st_mtime_ns] for name, stat in stats.items()}))


def is_delivery(path: Path) -> bool:
    """Whether ``path`` is something to process: a video, an archive, or a folder that holds videos.

    A file without a byte is none: some network folders show a file so until all of it has arrived.
    """
    if path.is_dir():
        return bool(find_videos(path))
    if not path.is_file() or not path.stat().st_size:
        return False
    return path.suffix.lower() in VIDEO_SUFFIXES or is_archive(path)


def _new(
    entries: Mapping[Path, str], watched: Watched, known: Callable[[str], bool], stop: threading.Event
) -> list[Path]:
    """Those of ``entries`` that are to be started: one of each content; none once ``stop`` is set."""
    found: dict[str, Path] = {}
    for path, look in entries.items():
        if (path, look) in watched.settled_with:
            continue
        with _retried(watched, path):
            sha256 = _content_of(path, watched)
            if look_at(path) != look:  # it was touched while it was read
                continue
            if sha256 and (sha256 in found or known(sha256)):
                log.info("%r is not started: its content is known", path.name)
            elif sha256:
                found[sha256] = path
            watched.settled_with.add((path, look))
        if stop.is_set():
            return []
    return list(found.values())


def _content_of(path: Path, watched: Watched) -> str | None:
    """The SHA-256 of a delivery; None for what is none, which the log is told once."""
    problem = "it is no video, no archive and no folder with videos"
    try:
        if is_delivery(path):
            return content_sha256(path)
    except VidlibError as error:
        problem = str(error)
    if path not in watched.ignored:
        watched.ignored.add(path)
        log.warning("%r is ignored: %s", path.name, problem)
    return None


def _start(paths: list[Path], start: Callable[[list[Path]], object]) -> None:
    names = ", ".join(repr(path.name) for path in paths)
    log.info("starting %s", names)
    try:
        start(paths)
    except (VidlibError, OSError) as error:
        log.error("%s could not be started: %s; put it there anew to try again, or use: vidlib run", names, error)


@contextmanager
def _retried(watched: Watched, path: Path) -> Iterator[None]:
    """What fails in the block will be tried again at the next look; the log is told when that begins and ends."""
    try:
        yield
    except (VidlibError, OSError) as error:
        if path not in watched.troubled:
            watched.troubled.add(path)
            log.warning("%r is left alone for now: %s", str(path), error)
        return
    if path in watched.troubled:
        watched.troubled.remove(path)
        log.info("%r is well again", str(path))
