import os
import sys
import tempfile

import pytest

from tests.waiting import wait_until
from vidlib.errors import CommandFailed, EngineUnavailable, OutOfMemory
from vidlib.machine import commands
from vidlib.runner.scheduling.retries import delay_s


def python(code: str) -> list[str]:
    return [sys.executable, "-c", code]


def is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    try:
        with open(f"/proc/{pid}/stat") as stat:
            return stat.read().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_run_returns_what_was_printed_and_hands_on_each_line():
    lines = []
    printed = commands.run(python("print('one'); print('two')"), timeout_s=30, on_line=lines.append).stdout
    assert printed == "one\ntwo\n"
    assert lines == ["one", "two"]


def test_a_failure_says_the_program_its_code_and_its_last_words():
    with pytest.raises(CommandFailed, match="ended with code 3: the reason") as caught:
        commands.run(python("import sys; print('the reason', file=sys.stderr); sys.exit(3)"), timeout_s=30)
    assert caught.value.code == 3
    assert caught.value.command[0] == sys.executable


def test_a_code_that_is_accepted_is_no_failure():
    assert commands.run(python("raise SystemExit(3)"), timeout_s=30, accept=(0, 3)).stdout == ""


def test_a_program_over_its_limit_is_ended_with_what_it_started(tmp_path):
    child = tmp_path / "child"
    code = f"""
import subprocess, time
child = subprocess.Popen(["sleep", "1000"])
open({str(child)!r}, "w").write(str(child.pid))
time.sleep(1000)
"""
    with pytest.raises(CommandFailed, match="limit of 3 s"):
        commands.run(python(code), timeout_s=3)
    wait_until(lambda: not is_running(int(child.read_text())))  # whoever is killed takes a moment


def test_an_error_in_the_caller_ends_the_program():
    pids = []

    def fail_at_first_line(line: str) -> None:
        pids.append(int(line))
        raise RuntimeError("the caller")

    with pytest.raises(RuntimeError, match="the caller"):
        commands.run(
            python("import os, time; print(os.getpid(), flush=True); time.sleep(1000)"),
            timeout_s=60,
            on_line=fail_at_first_line,
        )
    assert not is_running(pids[0])


def test_reading_may_stop_early_and_then_nothing_runs_on():
    with commands.stream_stdout(python("import os, sys\nwhile True: os.write(1, b'%d\\n' % os.getpid())")) as stream:
        pid = int(stream.readline())
    assert not is_running(pid)


def test_reading_raises_where_the_program_failed_at_its_end():
    with (
        pytest.raises(CommandFailed, match="half"),
        commands.stream_stdout(python("import sys; print('data'); sys.exit('half of it')")) as stream,
    ):
        assert stream.read() == b"data\n"


def test_reading_ends_a_program_that_says_nothing_for_too_long():
    with (
        pytest.raises(CommandFailed, match="ended with code -9"),
        commands.stream_stdout(python("import time; time.sleep(1000)"), timeout_s=0.5) as stream,
    ):
        assert stream.read() == b""


def test_a_missing_program_is_named_with_its_remedy(monkeypatch):
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(EngineUnavailable, match="ffplayer is not installed"):
        commands.find_program("ffplayer")


KILLED = "import os, signal; os.kill(os.getpid(), signal.SIGKILL)"


def test_a_program_that_the_system_killed_ran_out_of_memory_and_is_tried_again():
    with pytest.raises(OutOfMemory, match=r"was killed \(signal 9\)") as caught:
        commands.run(python(KILLED), timeout_s=30)
    with pytest.raises(OutOfMemory), commands.stream_stdout(python(KILLED)) as stream:
        assert stream.read() == b""
    assert delay_s(type(caught.value).__name__, attempt=1)


def test_messages_of_a_program_control_no_terminal():
    with tempfile.TemporaryFile() as stderr:
        stderr.write("[mov @ 0x55d0] \x1b]0;owned\x07 \x1b[31mred\r\u202e\nlast line\n".encode())
        assert commands.tail(stderr) == "[mov] _]0;owned_ _[31mred__\nlast line\n"
