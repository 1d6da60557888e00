"""Watches the inbox, and starts a run for every new delivery once it has stopped growing.

It polls on purpose: inotify only sees the writes of this machine, not those of others to a network file system.
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
from vidlib.runner.delivery_files import find_videos, reason_against
from vidlib.runner.projects import content_sha256, is_archive
from vidlib.settings import Settings

EVERY_S = 10.0
SETTLE_S = 60.0  # an NFS client may show an old state of a growing file for this long (acregmax in nfs(5))

Since = dict[Path, tuple[str, float]]
"""``{entry of the inbox: (its state, the time since which it has this state)}``"""

log = logging.getLogger("vidlib.watch")


@dataclass
class Watched:
    """The state of the watch between two looks at the inbox.

    ``judged`` are entries in the state in which they were started, known or no deliveries; each is judged once.
    ``ignored`` and ``failing`` are paths that the log has named already.
    """

    since: Since = field(default_factory=dict)
    judged: set[tuple[Path, str]] = field(default_factory=set)
    ignored: set[Path] = field(default_factory=set)
    failing: set[Path] = field(default_factory=set)


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
    """Call ``start`` with the new deliveries in the inbox until ``stop`` is set.

    A delivery is new if all of this holds: it has not changed for ``settle_s`` seconds, ``known`` returns False for the
    SHA-256 of its content, and it was not started before in its present state (path, sizes, dates). A file that failed
    is only started again when somebody replaces it. The watch logs a ``start`` that raises VidlibError or OSError, and
    an inbox that cannot be read, and goes on.
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
    """The entries of ``inbox`` whose state has not changed for ``settle_s`` seconds, by name, as ``{path: state}``.

    Hidden and incomplete files are left out. The function updates ``since``, its memory between calls. ``now`` is in
    seconds of any clock. Raises OSError if the folder cannot be read.
    """
    paths = sorted(path for path in inbox.iterdir() if may_be_delivery(path.name))
    states = {path: state for path in paths if (state := state_of(path))}
    for gone in since.keys() - states.keys():
        del since[gone]
    for path, state in states.items():
        if path not in since or since[path][0] != state:
            since[path] = (state, now)
    return {path: state for path, state in states.items() if now - since[path][1] >= settle_s}


def state_of(path: Path) -> str | None:
    """A digest of the names, sizes and dates of a file, or of all files in a folder.

    None while a part is incomplete or cannot be read.
    """
    try:
        stats = {"": path.stat()} | {str(inner.relative_to(path)): inner.lstat() for inner in path.rglob("*")}
    except OSError:  # it was removed since the folder was listed, or the network failed
        return None
    if any(is_arriving(name) for name in stats):
        return None
    return sha256_text(canonical_json({name: [stat.st_size, stat.st_mtime_ns] for name, stat in stats.items()}))


def is_delivery(path: Path) -> bool:
    """Whether ``path`` can be processed: a video, an archive, or a folder with videos.

    An empty file is no delivery, because some network folders show a file as empty until all of it has arrived.
    """
    if path.is_dir():
        return bool(find_videos(path))
    if not path.is_file() or not path.stat().st_size:
        return False
    return is_archive(path) or reason_against(path, path.parent) is None


def _new(
    entries: Mapping[Path, str], watched: Watched, known: Callable[[str], bool], stop: threading.Event
) -> list[Path]:
    """The ``entries`` to start, one of each content; none once ``stop`` is set."""
    new: dict[str, Path] = {}
    for path, state in entries.items():
        if (path, state) in watched.judged:
            continue
        with _retried(watched, path):
            sha256 = _content_of(path, watched)
            if state_of(path) != state:  # it changed while it was read
                continue
            if sha256 and (sha256 in new or known(sha256)):
                log.info("%r is not started: its content is known", path.name)
            elif sha256:
                new[sha256] = path
            watched.judged.add((path, state))
        if stop.is_set():
            return []
    return list(new.values())


def _content_of(path: Path, watched: Watched) -> str | None:
    """The SHA-256 of a delivery; None for anything else, which is logged once."""
    problem = "expected a video, an archive or a folder with videos"
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
        log.error(
            "%s could not be started: %s; copy it into the inbox again to retry, or use: vidlib run", names, error
        )


@contextmanager
def _retried(watched: Watched, path: Path) -> Iterator[None]:
    """Log an error of the block, which the next look tries again; log the first failure and the recovery only."""
    try:
        yield
    except (VidlibError, OSError) as error:
        if path not in watched.failing:
            watched.failing.add(path)
            log.warning("%r cannot be read now and is tried again: %s", str(path), error)
        return
    if path in watched.failing:
        watched.failing.remove(path)
        log.info("%r can be read again", str(path))
