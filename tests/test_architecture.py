"""ARCHITECTURE.md agrees with the code: its floors, the functions to read, and the files that it names."""

import ast
import re
import tomllib

from vidlib.settings import REPOSITORY

PAGE = (REPOSITORY / "ARCHITECTURE.md").read_text(encoding="utf-8")
PACKAGE = REPOSITORY / "vidlib"
MAX_FUNCTIONS = 60


def rows(heading: str) -> list[list[str]]:
    """The cells of the table below a heading, without its first two lines."""
    section = PAGE.split(f"## {heading}\n")[1].split("\n## ")[0]
    table = [line.strip("|").split("|") for line in section.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in row] for row in table[2:]]


def defined_in(place: str) -> set[str]:
    """The names of the functions in a file or folder of the package, methods also as ``Class.method``."""
    path = PACKAGE / place
    names: set[str] = set()
    for file in [path] if path.is_file() else path.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef):
                names |= {node.name, f"{file.stem}.{node.name}"}
            if isinstance(node, ast.ClassDef):
                names |= {f"{node.name}.{method.name}" for method in node.body if isinstance(method, ast.FunctionDef)}
    return names


def test_the_floors_are_those_of_the_import_contract():
    contracts = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    drawn = re.search(r"```text\n(.*?)```", PAGE, re.DOTALL)
    assert drawn is not None
    assert drawn[1].split("\n")[:-1] == contracts[0]["layers"]
    assert f"`{' > '.join(contracts[1]['layers'])}`" in PAGE


def test_the_functions_to_read_exist_and_are_few():
    named = [
        (place.strip("`"), re.findall(r"`([\w.]+)`", functions)) for place, functions in rows("Read it in one sitting")
    ]
    missing = {(place, name) for place, names in named for name in names if name not in defined_in(place)}
    assert missing == set()
    assert sum(len(names) for _, names in named) <= MAX_FUNCTIONS


def test_the_files_that_it_names_exist():
    named = [name for _, files in rows("Where is …") for name in re.findall(r"`([\w./-]+/[\w./-]*)`", files)]
    assert [name for name in named if not (REPOSITORY / name).exists()] == []
