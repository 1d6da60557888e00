"""The shape of the package: imports point down, and what is heavy is imported where it is needed."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import vidlib

PACKAGE = Path(vidlib.__file__).parent
# from the top down: each may import those below it
ORDER = """
    __main__ cli cli_evaluate cli_history cli_download cli_models console dashboard demo doctor runner steps evaluation
    ingest engines results tracking plots vault transcode small_frames encoders media waveforms playlists ffmpeg machine
    devices monitor stopping threads params progress files settings timeline geometry boxes jupyter_import errors
""".split()  # noqa: SIM905 two lines are read at a glance, a list of one name a line is not
APART = {"ingest", "engines", "results"}
HEAVY = {"torch", "cv2", "mediapipe", "openvino", "pyannote", "pandas", "matplotlib", "papermill", "scipy"}


def imports_of(file: Path) -> set[str]:
    """The parts of vidlib that a file imports, anywhere in it; what only type checkers import does not count."""
    tree = ast.parse(file.read_text(encoding="utf-8"))
    unseen = [node for node in ast.walk(tree) if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"]
    nodes = {*ast.walk(tree)} - {inner for node in unseen for inner in ast.walk(node)}
    names = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    for node in nodes:
        if isinstance(node, ast.ImportFrom):
            names |= {f"vidlib.{alias.name}" for alias in node.names} if node.module == "vidlib" else {node.module}
    return {name.split(".")[1] for name in names if name and name.startswith("vidlib.")}


@pytest.mark.parametrize("file", sorted(PACKAGE.rglob("*.py")), ids=lambda file: str(file.relative_to(PACKAGE)))
def test_imports_point_down(file):
    part = file.relative_to(PACKAGE).parts[0].removesuffix(".py")
    below = ORDER if part == "__init__" else ORDER[ORDER.index(part) :]
    others = imports_of(file) - {part}
    assert not others - set(below), f"{file} imports what stands above it"
    assert part not in APART or not others & APART, f"{file} imports its neighbour"


def test_papermill_is_imported_without_a_grammar_that_takes_three_seconds():
    code = "import sys, vidlib.jupyter_import; print('papermill' in sys.modules, 'lark' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["True", "False"]


@pytest.mark.parametrize("module", ["vidlib", "vidlib.steps", "vidlib.cli.app", "vidlib.cli.console"])
def test_importing_loads_no_heavy_library(module):
    code = f"import sys, {module}; print(*sorted(set(sys.modules) & {HEAVY}))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []
