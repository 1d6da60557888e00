"""Every exception that vidlib raises on purpose.

VidlibError
├── UsageError              a mistake of the caller; exit code 2
│   ├── ParamError          a parameter that does not exist, or a value out of range
│   ├── SettingError        a VIDLIB_* setting with a wrong value
│   └── UnknownName         a name that is in no table (engine, step, model, profile)
├── RefusedInput            something from outside that is not processed; exit code 3
│   ├── MediaError          a file that is no readable video
│   ├── ArchiveError        an archive that is unreadable or hostile
│   └── NeedsOperator       a link that only a person can download from
├── DownloadFailed          a download that broke off; what arrived of it is kept
├── EngineUnavailable       an engine that cannot run on this machine
│   └── GpuFailed           a GPU that gave up in the middle of the work
├── WeightError             a model file that is missing or has another checksum
├── CommandFailed           an external program that ended badly
├── BrokenOutput            a step that left something else than it promised
├── StepFailed              a step's notebook that raised
├── OutOfMemory             a step that took more memory than it may
├── WorkerLost              a process that worked on a step and is gone
├── LeaseLost               a step that another process took over meanwhile
├── Postponed               a step that is not done here and now, and has not failed
└── Cancelled               somebody asked to stop; exit code 130

A message says what failed, with the value; what was expected; what to do. Arguments of the constructor are kept in
``args``, so that every one of them survives pickling on its way from a worker.
"""

from collections.abc import Iterable
from difflib import get_close_matches


class VidlibError(Exception):
    """Anything that went wrong in a way vidlib knows; ``exit_code`` is what the command line ends with."""

    exit_code = 1


class UsageError(VidlibError):
    """The caller asked for something that does not exist or makes no sense."""

    exit_code = 2


class ParamError(UsageError):
    """A parameter that does not exist, or a value that it may not have."""


class SettingError(UsageError):
    """A VIDLIB_* setting that has a wrong value."""


class UnknownName(UsageError):
    """A name that is in no table: the message lists the known ones and the nearest."""

    def __init__(self, what: str, name: str, known: Iterable[str]):
        super().__init__(what, name, tuple(known))

    def __str__(self) -> str:
        what, name, known = self.args
        return f"{name!r} is not {what};{did_you_mean(name, known)} known: {', '.join(sorted(known)) or 'none'}"


class RefusedInput(VidlibError):
    """Something that came from outside and is not processed."""

    exit_code = 3


class MediaError(RefusedInput):
    """A file that is no readable video, or one outside what is accepted."""


class ArchiveError(RefusedInput):
    """An archive that is unreadable, hostile or outside the limits."""


class NeedsOperator(RefusedInput):
    """A link that cannot be downloaded from without a person: a password, a page with buttons, an unknown service."""


class DownloadFailed(VidlibError):
    """A download that broke off: whether it ``may_pass`` if tried again, and in how many seconds at the earliest."""

    def __init__(self, message: str, may_pass: bool = False, after_s: float | None = None):
        self.may_pass, self.after_s = may_pass, after_s
        super().__init__(message, may_pass, after_s)

    def __str__(self) -> str:
        return self.args[0]


class EngineUnavailable(VidlibError):
    """An engine that cannot run here: a package, a device or a weight is missing."""


class GpuFailed(EngineUnavailable):
    """A GPU that gave up in the middle of the work: out of memory, or an error of CUDA. The CPU may do better."""


class WeightError(VidlibError):
    """A model file that is missing, cannot be had, or does not have the expected SHA-256."""


class CommandFailed(VidlibError):
    """An external program that ended badly: its arguments, exit code (negative: a signal) and last lines of stderr."""

    def __init__(self, command: Iterable[str], code: int, stderr: str):
        self.command, self.code, self.stderr = tuple(command), code, stderr
        super().__init__(self.command, code, stderr)

    def __str__(self) -> str:
        last = self.stderr.strip().splitlines()[-3:]
        return f"{self.command[0]} ended with code {self.code}: {' | '.join(last) or 'no message'}"


class BrokenOutput(VidlibError):
    """A step that left something else than it promised: nothing of it is published."""


class StepFailed(VidlibError):
    """A step's notebook that raised: the step, what it said, and the notebook that shows it."""

    def __init__(self, step: str, reason: str, notebook: str | None = None, kind: str = ""):
        self.step, self.reason, self.notebook, self.kind = step, reason, notebook, kind
        super().__init__(step, reason, notebook, kind)

    def __str__(self) -> str:
        where = f"; see {self.notebook}" if self.notebook else ""
        return f"step {self.step!r} failed: {self.reason}{where}"


class OutOfMemory(VidlibError):
    """A step whose processes took more memory than they may, or than there is."""


class WorkerLost(VidlibError):
    """A process that worked on a step and is gone: a kernel that died, a worker or its machine that went away."""


class LeaseLost(VidlibError):
    """A step that another process took over, as this one gave no sign of life: nothing of it is published here."""


class Postponed(VidlibError):
    """A step that is not done here and now, and has not failed: another run does it, or its worker was stopped."""


class Cancelled(VidlibError):
    """Somebody asked to stop."""

    exit_code = 130


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """`` did you mean 'x'?`` for the nearest known name, or nothing.

    >>> did_you_mean("treshold", ["threshold", "device"])
    " did you mean 'threshold'?"
    """
    near = get_close_matches(name, list(known), n=1)
    return f" did you mean {near[0]!r}?" if near else ""
