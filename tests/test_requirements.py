"""requirements.in names what is imported or run, nothing else; requirements.lock holds a version of each."""

import ast
import json
import re
import sys
from collections.abc import Iterator, Mapping
from importlib import metadata
from pathlib import Path

from packaging.requirements import Requirement

from vidlib.settings import REPOSITORY

OURS = {"vidlib", "tests", "airflow"}  # Airflow lives in an environment of its own
OURS |= {"benchmarks", *(path.stem for path in (REPOSITORY / "benchmarks").iterdir())}  # which import each other
NEWER_STDLIB = {"compression"}  # the standard library of Python 3.14 has it
RUN_OR_READ = {  # not imported: programs, plugins, and packages that other ones of the list need in one version
    *("ipykernel", "jupyterlab", "nbclient", "nbstripout", "playwright", "pytest-timeout", "pytest-xdist", "ruff"),
    *("torchcodec", "psycopg", "psycopg-binary", "import-linter", "mypy", "vulture", "duckdb"),
}


def canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def names_in(requirements: str) -> set[str]:
    lines = (REPOSITORY / requirements).read_text().splitlines()
    return {canonical(Requirement(line).name) for line in lines if line and not line.startswith("#")}


def sources() -> Iterator[str]:
    """All Python code of the repository, notebooks included."""
    for folder in ("vidlib", "tests", "benchmarks"):
        yield from (path.read_text() for path in (REPOSITORY / folder).rglob("*.py"))
    for folder in ("notebooks", "dashboards"):
        for path in (REPOSITORY / folder).rglob("*.ipynb"):
            cells = json.loads(path.read_text())["cells"]
            yield "\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "code")


def imported_modules() -> Iterator[str]:
    for node in (node for source in sources() for node in ast.walk(ast.parse(source))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def packages_of(module: str, suppliers: Mapping[str, list[str]]) -> set[str]:
    """The installed packages that supply a module; of a namespace that several share, the one that has it."""
    top = module.partition(".")[0]
    found = suppliers.get(top, [top])
    owners = {name for name in found if has_module(name, module)} if len(found) > 1 else found
    return {canonical(name) for name in owners or found}


def has_module(package: str, module: str) -> bool:
    wanted = {Path(*module.split(".")[:2], "__init__.py"), Path(*module.split(".")[:2]).with_suffix(".py")}
    return any(Path(file) in wanted for file in metadata.files(package) or ())


def test_requirements_name_what_is_imported_and_nothing_else():
    modules = {".".join(name.split(".")[:2]) for name in imported_modules()}
    modules = {name for name in modules if name.split(".")[0] not in OURS | sys.stdlib_module_names | NEWER_STDLIB}
    suppliers = metadata.packages_distributions()
    imported = set().union(*(packages_of(name, suppliers) for name in modules)) - {"torch"}
    assert imported - names_in("requirements.in") == set(), "imported, but not in requirements.in"
    assert names_in("requirements.in") - imported <= RUN_OR_READ, "in requirements.in, but not imported"


def test_the_lock_holds_every_requirement_but_no_torch():
    locked = names_in("requirements.lock")
    assert names_in("requirements.in") <= locked
    assert "torch" not in locked
    assert not [name for name in locked if name.startswith(("nvidia-cu", "triton"))]
