"""Notification by a command of the user, which reads the JSON of the run from its stdin."""

import json
import shlex
import subprocess
import tempfile
from shutil import which

from vidlib.child_environment import environment_without_secrets
from vidlib.errors import CommandFailed, SettingError
from vidlib.machine import commands
from vidlib.runner.notifications.message import Payload


def parse(command: str) -> list[str]:
    """Split VIDLIB_NOTIFY_COMMAND into arguments; raises SettingError if its program cannot be run."""
    try:
        args = shlex.split(command)
    except ValueError as error:
        raise SettingError(f"VIDLIB_NOTIFY_COMMAND: {error}; expected a program and its arguments") from error
    if not args or not which(args[0]):
        problem = f"cannot run {args[0]!r}" if args else "it is empty"
        raise SettingError(f"VIDLIB_NOTIFY_COMMAND: {problem}; expected a program on the PATH, or its full path")
    return args


def send(command: str, payload: Payload, limit_s: float) -> None:
    """Run ``command`` with the payload on its stdin, VIDLIB_RUN and VIDLIB_STATUS in its environment, and no secret.

    Raises CommandFailed if it ends with another code than 0 or takes longer than ``limit_s`` seconds, and OSError if
    it cannot start. Its stdin and stderr are files: a pipe could fill up, or a process in the background hold it open.
    """
    args = parse(command)
    variables = {"VIDLIB_RUN": payload["run"], "VIDLIB_STATUS": payload["status"]}
    with tempfile.TemporaryFile() as stdin, tempfile.TemporaryFile() as stderr:
        stdin.write(json.dumps(payload).encode())
        stdin.seek(0)
        process = subprocess.Popen(
            args,
            stdin=stdin,
            stdout=subprocess.DEVNULL,  # our stdout belongs to the JSON of the run
            stderr=stderr,
            env=environment_without_secrets() | variables,
            start_new_session=True,
        )
        try:
            code = process.wait(limit_s)
        except subprocess.TimeoutExpired as error:
            raise CommandFailed(args, -9, f"it was stopped at its time limit of {limit_s:g} s") from error
        finally:
            commands.kill_group(process)
        if code:
            raise CommandFailed(args, code, commands.tail(stderr))
