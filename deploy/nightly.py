#!/usr/bin/env python3
"""Runs every delivery in the inbox; cron and systemd call it at night. An empty inbox is no failure.

    .venv/bin/python deploy/nightly.py [OPTION...]    OPTION: an option of `vidlib run`, such as --params cpu --json
    .venv/bin/python deploy/nightly.py --list         only print the paths, as a JSON list

Deliveries are recognized as by `vidlib watch`. A delivery that changed within the last five minutes waits for the next
night. The exit code is that of `vidlib run`, or 2 without an inbox.
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
        print(f"nightly: the inbox {inbox} is not there; check that its disk is mounted", file=sys.stderr)
        return 2
    paths = [str(path) for path in deliveries(inbox)]
    if options == ["--list"]:
        print(json.dumps(paths))
    elif paths:
        # vidlib replaces this process, so that signals reach it
        os.execv(sys.executable, [sys.executable, "-P", "-m", "vidlib", "run", *options, "--", *paths])
    else:
        print(f"nightly: nothing to do in {inbox}", file=sys.stderr)
    return 0


def deliveries(inbox: Path) -> list[Path]:
    """The archives, videos and folders with videos that have arrived, by name; stderr names all other files."""
    settled = []
    for path in sorted(inbox.iterdir()):
        if not may_be_delivery(path.name):
            continue
        if not is_delivery(path):
            print(f"nightly: {path.name!r} is no video, archive or folder with videos", file=sys.stderr)
        elif not is_settled(path):
            print(f"nightly: {path.name!r} is still arriving and waits for the next night", file=sys.stderr)
        else:
            settled.append(path)
    return settled


def is_settled(path: Path) -> bool:
    """Whether a file, or everything in a folder, is complete by its name and did not change within SETTLE_S."""
    files = [path, *path.rglob("*")]
    now = time.time()
    # the clock of a camera may be ahead: a date in the future is no recent change
    return not any(is_arriving(file.name) or 0 <= now - file.lstat().st_mtime < SETTLE_S for file in files)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
