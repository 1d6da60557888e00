#!/usr/bin/env python3
"""Run everything that lies in the inbox: what cron and systemd call at night. An empty inbox is no failure.

    .venv/bin/python deploy/nightly.py [OPTION...]    OPTION: handed on to `vidlib run`, such as --params cpu --json
    .venv/bin/python deploy/nightly.py --list         only print the paths, as a JSON list

What is a delivery is decided as `vidlib watch` does. What changed within the last five minutes is still arriving, and
waits for the next night. The exit code is that of `vidlib run`; 2 as well where the inbox is not there.
"""

import json
import os
import sys
import time
from pathlib import Path

from vidlib.errors import VidlibError
from vidlib.ingest.arrivals import is_arriving, may_be_delivery
from vidlib.runner.watch import is_delivery
from vidlib.settings import settings

SETTLE_S = 300


def main(options: list[str]) -> int:
    os.chdir(Path(__file__).resolve().parent.parent)  # relative folders start here
    try:
        inbox = settings().inbox
    except VidlibError as error:
        print(f"nightly: {error}", file=sys.stderr)
        return error.exit_code
    if not inbox.is_dir():
        print(f"nightly: the inbox {inbox} is not there; is its disk mounted?", file=sys.stderr)
        return 2
    found = [str(path) for path in deliveries(inbox)]
    if options == ["--list"]:
        print(json.dumps(found))
    elif found:
        # not a child: what tells this process to stop tells vidlib
        os.execv(sys.executable, [sys.executable, "-P", "-m", "vidlib", "run", *options, "--", *found])
    else:
        print(f"nightly: nothing to do in {inbox}", file=sys.stderr)
    return 0


def deliveries(inbox: Path) -> list[Path]:
    """The archives, videos and folders with videos that have arrived, by name; the others are named on stderr."""
    found = []
    for path in sorted(inbox.iterdir()):
        if not may_be_delivery(path.name):
            continue
        if not is_delivery(path):
            print(f"nightly: {path.name!r} is no video, no archive and no folder with videos", file=sys.stderr)
        elif not is_settled(path):
            print(f"nightly: {path.name!r} is still arriving and waits for the next night", file=sys.stderr)
        else:
            found.append(path)
    return found


def is_settled(path: Path) -> bool:
    """Whether neither a file nor anything in a folder changed just now, or is called like something that arrives."""
    files = [path, *path.rglob("*")]
    now = time.time()
    # the clock of a camera may be ahead: what changed in the future did not change just now
    return not any(is_arriving(file.name) or 0 <= now - file.lstat().st_mtime < SETTLE_S for file in files)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
