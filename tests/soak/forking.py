"""`python -m tests.soak.forking PLACE`: does the work of `small` in one forked process for each line on stdin.

Importing vidlib takes longer than the work. A line is JSON: workspace, mark, padding, log; so is the answer on stdout:
the exit code of the process, or minus the signal that ended it.
"""

import json
import os
import sys
import traceback
from pathlib import Path
from typing import Any

from tests.soak import padding, small
from tests.soak.verdict import MARK


def serve(place: Path) -> None:
    """Answer every line until there is none any more."""
    for line in sys.stdin:
        asked = json.loads(line)
        if not (pid := os.fork()):
            _work(asked, place)
        _, status = os.waitpid(pid, 0)
        print(json.dumps({"code": os.waitstatus_to_exitcode(status)}), flush=True)


def _work(asked: dict[str, Any], place: Path) -> None:
    """Do the work as the only thing this process ever does."""
    nothing, log = os.open(os.devnull, os.O_RDWR), os.open(asked["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    for stream, file in ((0, nothing), (1, log), (2, log)):
        os.dup2(file, stream)
    os.environ[MARK], os.environ[padding.VARIABLE] = asked["mark"], asked["padding"]
    code = 1
    try:
        padding.pad_if("driver")
        small.main(Path(asked["workspace"]), place)
        code = 0
    except SystemExit as end:
        print(end.code, file=sys.stderr)
    except BaseException:  # noqa: BLE001 this is what Python itself would do
        traceback.print_exc()
    sys.stderr.flush()
    os._exit(code)


if __name__ == "__main__":
    serve(Path(sys.argv[1]))
