"""The help of every command, the completion of the shell, and the names of earlier versions."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer

import vidlib.cli
from vidlib._version import VERSION

PANELS = {
    "Runs": ["run", "promote", "resume", "retry", "watch", "worker", "status", "logs", "cancel", "params"],
    "Results": [
        "report",
        "reports",
        "why",
        "videos",
        "find",
        "evaluate",
        "compare",
        "export",
        "preview",
        "reframe",
        "clean",
        "correct",
        "cast",
        "archive",
    ],
    "Downloads": ["downloads"],
    "One file": ["extract", "convert"],
    "Machine": ["doctor", "settings", "dashboard", "models"],
}


def commands(group: typer.core.TyperGroup | None = None, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Every visible command, as the words that a user types behind ``vidlib``."""
    group = group or typer.main.get_command(vidlib.cli.app)
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from () if command.hidden else commands(command, (*path, name))
        elif not command.hidden:
            yield (*path, name)


def test_the_help_lists_every_command_in_its_panel_and_run_first(vidlib):
    lines = vidlib("--help")[1].splitlines()
    found: dict[str, list[str]] = {}
    for line in lines:
        if panel := re.match(r"╭─ ([A-Z][\w ]*) ─", line):
            found[panel[1]] = []
        elif command := re.match(r"│ ([a-z]+) ", line):
            found[next(reversed(found))].append(command[1])
    found.pop("Options")
    assert found == PANELS
    assert list(found) == list(PANELS)


@pytest.mark.parametrize("command", [*commands()], ids=" ".join)
def test_every_command_explains_itself_with_an_example(vidlib, command):
    code, out, _ = vidlib(*command, "-h")
    assert code == 0
    assert f"Usage: vidlib {' '.join(command)}" in out
    assert re.search(rf"Examples:\s+(.*\n\s*)*?vidlib {' '.join(command)}", out)


def test_the_version_is_printed(vidlib):
    assert vidlib("--version") == (0, f"vidlib {VERSION}\n", "")


@pytest.mark.parametrize(
    ("old", "new"),
    [("history list", "downloads list"), ("download", "downloads get"), ("monitor", "downloads monitor")],
)
def test_the_names_of_version_0_1_still_work_and_name_the_new_ones(vidlib, old, new):
    code, out, err = vidlib(*old.split(), "--help")
    assert (code, out) == vidlib(*new.split(), "--help")[:2]
    assert f"is now `vidlib {new.removesuffix(' list')}`" in err


@pytest.mark.slow
@pytest.mark.parametrize(
    ("words", "completions"), [("vidlib do", {"doctor", "downloads"}), ("vidlib run --params t", {"tv"})]
)
def test_the_shell_completes_commands_and_profiles(words, completions):
    environment = os.environ | {"COMP_WORDS": words, "COMP_CWORD": str(len(words.split()) - 1)}
    done = subprocess.run(
        [Path(sys.executable).with_name("vidlib")],
        env=environment | {"_VIDLIB_COMPLETE": "complete_bash"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert set(done.stdout.split()) == completions
