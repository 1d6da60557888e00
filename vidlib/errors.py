"""Every exception that vidlib raises on purpose.

VidlibError
├── UsageError              the caller made a mistake; exit code 2
│   ├── ParamError          a parameter does not exist, or its value is out of range
│   ├── SettingError        a VIDLIB_* setting has a wrong value
│   └── UnknownName         a name (engine, step, model, profile) does not exist
├── RefusedInput            input from outside is not processed; exit code 3
│   ├── MediaError          a file is no readable video
│   ├── ArchiveError        an archive is unreadable or hostile
│   └── NeedsOperator       only a person can download from this link
├── DownloadFailed          a download broke off; the data so far is kept
├── EngineUnavailable       an engine cannot run on this machine
│   └── GpuFailed           the GPU failed during the work
├── WeightError             a model file is missing or has another checksum
├── CommandFailed           an external program failed
├── BrokenOutput            the results of a step are not as declared
├── StepFailed              a step's notebook raised an exception
├── OutOfMemory             a step or its program needed more memory than it may use
├── WorkerLost              the process that worked on a step has died
├── LeaseLost               another process took over the step
├── Postponed               a step was not executed now, and did not fail
└── Cancelled               the user cancelled the run; exit code 130

A message names the failure with its value, the expectation, and the remedy. Constructors keep their arguments in
``args``, so that all of them survive pickling on the way from a worker.
"""

import re
from collections.abc import Iterable
from difflib import get_close_matches
from pathlib import PurePath

PART_OF_FFMPEG = re.compile(r"^(\[[^\[\]]*\] )+(?=\S)")
"""The parts of FFmpeg that speak, such as ``[mov,mp4,m4a @ 0x55d0]``; they tell people nothing."""

ENDING_OF_FFMPEG = re.compile(r"Task finished with error code|Terminating thread with|Last message repeated")
"""In lines of FFmpeg that follow the cause of a failure and do not name it; since version 6 they are the last ones."""


class VidlibError(Exception):
    """Base class of all expected errors; the command line exits with ``exit_code``.

    ``permanent`` errors happen again in every run with the same input and the same params.
    """

    exit_code = 1
    permanent = False


class UsageError(VidlibError):
    """The caller asked for something that does not exist or makes no sense."""

    exit_code = 2
    permanent = True


class ParamError(UsageError):
    """A parameter does not exist, or its value is not allowed."""


class SettingError(UsageError):
    """A VIDLIB_* setting has a wrong value."""

    permanent = False


class UnknownName(UsageError):
    """A name does not exist. The message lists all known names and suggests the nearest.

    ``what`` completes the sentence "'x' is not ...", such as "a known engine".
    """

    def __init__(self, what: str, name: str, known: Iterable[str]):
        super().__init__(what, name, tuple(known))

    def __str__(self) -> str:
        what, name, known = self.args
        return f"{name!r} is not {what};{did_you_mean(name, known)} known: {', '.join(sorted(known)) or 'none'}"


class RefusedInput(VidlibError):
    """Input from outside is not processed."""

    exit_code = 3
    permanent = True


class MediaError(RefusedInput):
    """A file is no readable video, or exceeds a limit."""


class ArchiveError(RefusedInput):
    """An archive is unreadable or hostile, or exceeds a limit."""


class NeedsOperator(RefusedInput):
    """Only a person can download from this link, because of a password, a page with buttons, or an unknown service."""


class DownloadFailed(VidlibError):
    """A download broke off.

    ``retryable`` says whether another attempt may succeed; ``retry_after_s`` is the earliest time for it in seconds,
    where the server named one.
    """

    def __init__(self, message: str, retryable: bool = False, retry_after_s: float | None = None):
        self.retryable, self.retry_after_s = retryable, retry_after_s
        super().__init__(message, retryable, retry_after_s)

    def __str__(self) -> str:
        return str(self.args[0])


class EngineUnavailable(VidlibError):
    """An engine cannot run on this machine, because a package, a device or a model file is missing."""


class GpuFailed(EngineUnavailable):
    """The GPU failed during the work: out of memory, or a CUDA error. The CPU may succeed."""


class WeightError(VidlibError):
    """A model file is missing, cannot be downloaded, or does not have the expected SHA-256."""


class CommandFailed(VidlibError):
    """An external program failed: its arguments, its exit code (negative: a signal), the end of its messages."""

    def __init__(self, command: Iterable[str], code: int, stderr: str):
        self.command, self.code, self.stderr = tuple(command), code, stderr
        super().__init__(self.command, code, stderr)

    def __str__(self) -> str:
        lines = self.stderr.strip().splitlines()
        lines = [line for line in lines if not ENDING_OF_FFMPEG.search(line)] or lines
        messages = [PART_OF_FFMPEG.sub("", line) for line in lines[-3:]]
        program = PurePath(self.command[0]).name
        return f"{program} ended with code {self.code}: {' | '.join(messages) or 'no message'}"


class BrokenOutput(VidlibError):
    """The results of a step are not as declared; none of them is published."""


class StepFailed(VidlibError):
    """A step's notebook raised an exception.

    ``reason`` is its message, ``error_type`` its class name, ``notebook`` the path of the executed notebook.
    """

    def __init__(self, step: str, reason: str, notebook: str | None = None, error_type: str = ""):
        self.step, self.reason, self.notebook, self.error_type = step, reason, notebook, error_type
        super().__init__(step, reason, notebook, error_type)

    def __str__(self) -> str:
        where = f"; see {self.notebook}" if self.notebook else ""
        return f"step {self.step!r} failed: {self.reason}{where}"


class OutOfMemory(VidlibError):
    """The processes of a step needed more memory than they may use, or than the machine has."""


class WorkerLost(VidlibError):
    """The process that worked on a step has died: a kernel, a worker, or its machine."""


class LeaseLost(VidlibError):
    """Another process took over the step, because this one sent no heartbeat. This process publishes nothing of it."""


class Postponed(VidlibError):
    """A step was not executed now, and did not fail: another run executes it, or its worker was stopped."""


class Cancelled(VidlibError):
    """The user cancelled the run."""

    exit_code = 130


def is_permanent(error_type: str | None) -> bool:
    """Whether the error with this class name happens again in every run with the same input and the same params.

    >>> is_permanent("ParamError"), is_permanent("WorkerLost"), is_permanent("KeyError")
    (True, False, False)
    """
    known = globals().get(error_type or "")
    return isinstance(known, type) and issubclass(known, VidlibError) and known.permanent


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """`` did you mean 'x'?`` for the nearest known name, or an empty string.

    >>> did_you_mean("treshold", ["threshold", "device"])
    " did you mean 'threshold'?"
    """
    near = get_close_matches(name, list(known), n=1)
    return f" did you mean {near[0]!r}?" if near else ""


def expectation(message: str) -> str:
    """A message of pydantic about a wrong value, as an expectation.

    >>> expectation("Input should be greater than 0")
    'expected a value greater than 0'
    >>> expectation("Input should be a valid integer, unable to parse string as an integer")
    'expected a valid integer'
    """
    expected = message.removeprefix("Value error, ").partition(", unable to")[0]
    expected = expected.replace("Input should be", "expected", 1)
    return re.sub("^expected (greater|less)", r"expected a value \1", expected)
