"""Every code block of the README and of docs/ works: Python runs, commands and options exist, YAML and JSON are valid.

Python runs on a small video whose results are made by hand; only the analysis itself does not run.
"""

import inspect
import json
import re
import traceback
from pathlib import Path

import pytest
import typer
import yaml

import vidlib
from tests.docs.blocks import DOCUMENTS, LANGUAGES, Block, blocks, commands, name, spans
from vidlib import cli
from vidlib.evaluation import ground_truth
from vidlib.params import find_profile, read_params
from vidlib.runner.run_result import RunResult, StepResult, VideoResult
from vidlib.settings import REPOSITORY, Settings
from vidlib.steps import PARAMS, STEPS

OTHER_PROGRAMS = {
    "sudo": "needs root",
    "systemctl": "needs systemd",
    "journalctl": "needs systemd",
    "systemd-analyze": "needs systemd",
    "ssh": "needs another machine",
    "createdb": "needs a PostgreSQL server",
    "dask": "starts a server",
    "cd": "part of the shell",
}
"""Programs in code blocks that this test does not know, and why they cannot run in it."""

OTHER_VARIABLES = {
    "VIDLIB_ENV_FILE": "names the file of settings, so it cannot be in it",
    "VIDLIB_RUN": "set for the command of VIDLIB_NOTIFY_COMMAND",
    "VIDLIB_STATUS": "set for the command of VIDLIB_NOTIFY_COMMAND",
    "VIDLIB_HOME": "read by the Airflow examples",
    "VIDLIB_KERNELS": "read by the Airflow examples",
    "VIDLIB_TEST_DATABASE_URL": "read by the tests",
}
"""Variables in documents that are no settings."""

FOLDERS = ("vidlib", "tests", "notebooks", "params", "deploy", "benchmarks", "dashboards", "scripts", "docs")

documents = pytest.mark.parametrize("document", DOCUMENTS, ids=name)


@documents
def test_every_block_has_a_language_that_is_checked(document):
    assert [str(block) for block in blocks(document) if block.language not in LANGUAGES] == []


@documents
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_python_blocks_run_in_their_order(document, at_desk):
    namespace: dict[str, object] = {"__name__": "document"}
    assert [problem for block in blocks(document, "python") if (problem := run_block(block, document, namespace))] == []


def run_block(block: Block, document: Path, namespace: dict[str, object]) -> str | None:
    """Execute a block of Python in the ``namespace`` of its document; the error, if there is one, with its line."""
    code = "\n" * (block.line - 1) + inspect.cleandoc(block.text)
    try:
        exec(compile(code, name(document), "exec"), namespace)
    except Exception:  # noqa: BLE001 # code of a document may raise anything
        return traceback.format_exc(limit=-1)
    return None


@documents
def test_shell_blocks_name_commands_options_and_files_that_exist(document, at_desk, make_targets, notebook_parameters):
    for block in blocks(document, "sh"):
        for command in commands(inspect.cleandoc(block.text)):
            try:
                check_command(command, make_targets, notebook_parameters)
            except Exception as error:
                raise AssertionError(f"{block}: {' '.join(command)}: {getattr(error, 'message', error)}") from error


def check_command(words: list[str], make_targets: set[str], parameters: dict[str, set[str]]) -> None:
    """Raise an error for a command that does not exist, or that names an option or a file that does not."""
    words = without_variables(words)
    if not words:
        return
    program, *args = words
    check_files(words)
    match Path(program).name:
        case "vidlib":
            check_vidlib(args)
        case "python":
            assert args[0].endswith(".py"), "expected the path of a script"
            assert Path(args[0]).is_file(), f"{args[0]} does not exist"
        case "make":
            targets = {word for word in args if not word.startswith(("-", "/"))}
            assert targets <= make_targets, f"expected targets of the Makefile, got {targets - make_targets}"
        case "pip":
            check_pip(args)
        case "papermill":
            check_papermill(args, parameters)
        case "source":
            assert args == [".venv/bin/activate"]
        case "sudo" if "make" in args or "sh" in args:
            inner = args[args.index("make") :] if "make" in args else args[args.index("sh") + 2 :]
            for command in [inner] if "make" in args else commands(inner[0]):
                check_command(command, make_targets, parameters)
        case other:
            assert other in OTHER_PROGRAMS, f"{other} is no program that the documents may name"


def without_variables(words: list[str]) -> list[str]:
    """A command without the variables before it, which have to be settings where they are vidlib's."""
    words = words[1:] if words[0] == "export" else words
    while words and (assignment := re.fullmatch(r"([A-Z_]+)=.*", words[0])):
        if assignment[1].startswith("VIDLIB_"):
            assert is_setting(assignment[1]), f"{assignment[1]} is no setting"
        words = words[1:]
    return words


def is_setting(variable: str) -> bool:
    return variable.removeprefix("VIDLIB_").lower() in Settings.model_fields


def check_files(words: list[str]) -> None:
    """Raise AssertionError for a file of the repository that does not exist."""
    for word in words:
        path = word.removeprefix("/opt/vidlib/")
        if "/" in path and path.partition("/")[0] in FOLDERS and "…" not in path:
            assert list(REPOSITORY.glob(path.rstrip("/"))), f"{path} does not exist"


def check_vidlib(words: list[str]) -> None:
    """Parse a command line of vidlib without executing it; profiles and parameters have to exist as well."""
    command, args = command_of(words)
    context = command.make_context(command.name, args)
    given = context.params
    if profiles := given.get("params"):
        profiles = [find_profile(profile, REPOSITORY / "params") for profile in profiles]
    read_params(PARAMS, profiles or (), given.get("overrides") or ())
    assert set((given.get("steps") or "").split(",")) - {""} <= STEPS.keys()
    assert given.get("step") is None or given["step"] in STEPS


def command_of(words: list[str]):
    """The command that the first of ``words`` name, and its arguments; raises AssertionError for an old name."""
    command, args = typer.main.get_command(cli.app), list(words)
    while hasattr(command, "commands") and args and not args[0].startswith("-"):
        assert args[0] in command.commands, f"{args[0]} is no command"
        command = command.commands[args.pop(0)]
        assert not command.hidden, f"{command.name} is an old name"
    return command, args


def check_pip(args: list[str]) -> None:
    """Raise AssertionError unless ``args`` install the wheel of this version, the lock file, or the tested torch."""
    if "-r" in args:
        assert args[-1] == "requirements.lock"
        return
    if torch := next((word for word in args if word.startswith("torch==")), None):
        assert f"TORCH={torch}\n" in (REPOSITORY / "scripts" / "setup.sh").read_text()
        return
    wheel = re.fullmatch(r"vidlib-(.+)-py3-none-any\.whl(?:\[(.+)\])?", args[-1])
    assert wheel, f"expected the wheel of vidlib, got {args[-1]}"
    assert wheel[1] == vidlib.__version__
    extras = re.findall(r"^(\w+) = \[", (REPOSITORY / "pyproject.toml").read_text(), re.MULTILINE)
    assert set((wheel[2] or "").split(",")) - {""} <= set(extras)


def check_papermill(args: list[str], parameters: dict[str, set[str]]) -> None:
    given = {args[number + 1] for number, word in enumerate(args) if word == "-p"}
    assert given <= parameters[Path(args[0]).name], f"{args[0]} has the parameters {parameters[Path(args[0]).name]}"


@documents
def test_yaml_blocks_are_profiles(document, tmp_path):
    for block in blocks(document, "yaml"):
        profile = tmp_path / "profile.yaml"
        profile.write_text(block.text)
        assert yaml.safe_load(block.text)
        assert read_params(PARAMS, [profile]).layers


@documents
def test_json_blocks_are_valid(document, tmp_path):
    for block in blocks(document, "json"):
        content = json.loads(block.text)
        if "shots" in content:
            truth = tmp_path / "film.truth.json"
            truth.write_text(block.text)
            assert ground_truth.read(truth).frames == content["frames"]
        if "run" in content:
            assert keys(content) == keys(a_run()), f"{block} has other keys than a run"


def a_run() -> dict:
    """The document of a run with a video, of which a step failed."""
    steps = {"convert": StepResult("done"), "audio": StepResult("failed", error="…")}
    result = RunResult("20260101-120000-ab12", [VideoResult(Path("clip.mp4"), steps=steps)])
    result.projects = [{"name": "Film", "path": "Film", "delivered": []}]
    return result.as_json()


def keys(content: object) -> object:
    """The keys of a document, without its values."""
    if isinstance(content, dict):
        return {key: keys(value) for key, value in content.items()}
    return [keys(value) for value in content] if isinstance(content, list) else None


@documents
def test_the_text_names_commands_and_options_that_exist(document):
    for span in spans(document):
        if re.match(r"vidlib [a-z]", span):
            command, args = command_of(re.sub(r"[\[\]'\"]", "", span).split()[1:])
            options = {option for parameter in command.params for option in parameter.opts} | {"--help"}
            used = {arg for arg in args if re.fullmatch(r"--?[a-z][a-z-]*", arg)}
            assert used <= options, f"`{span}`: {command.name} has no option {', '.join(used - options)}"


@documents
def test_the_text_names_the_wheel_of_this_version(document):
    for span in spans(document):
        if re.match(r"pip install .*whl", span):
            check_pip(re.sub('"', "", span).split()[1:])


@documents
def test_the_text_names_make_targets_that_exist(document, make_targets):
    named = {match[1] for span in spans(document) if (match := re.match(r"make ([a-z-]+)", span))}
    assert named <= make_targets


@documents
def test_the_text_names_files_that_exist(document):
    paths = [span.split()[0] for span in spans(document) if re.match(r"[\w./*-]+(/[\w.*-]*)+( |$)", span)]
    check_files(paths)


@documents
def test_the_text_names_settings_that_exist(document):
    variables = set(re.findall(r"VIDLIB_[A-Z_]*[A-Z](?![A-Z_*])", document.read_text(encoding="utf-8")))
    assert {variable for variable in variables if not is_setting(variable)} <= OTHER_VARIABLES.keys()


def test_the_list_of_other_programs_has_no_idle_entry():
    scripts = [block for document in DOCUMENTS for block in blocks(document, "sh")]
    used = {word for block in scripts for command in commands(block.text) for word in command}
    assert OTHER_PROGRAMS.keys() <= used | {"cd"}


def test_a_block_knows_its_line():
    first = blocks(DOCUMENTS[0])[0]
    assert isinstance(first, Block)
    assert DOCUMENTS[0].read_text().splitlines()[first.line - 1] == first.text.splitlines()[0]
