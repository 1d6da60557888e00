"""pyproject.toml requires what is imported or run, and nothing else; requirements.lock holds a version of each."""

import ast
import json
import re
import sys
import tomllib
from collections.abc import Iterator, Mapping
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from vidlib.settings import REPOSITORY

OURS = {"vidlib", "tests", "airflow"}  # Airflow lives in an environment of its own
OURS |= {"benchmarks", *(path.stem for path in (REPOSITORY / "benchmarks").iterdir())}  # scripts that import each other
NEWER_STDLIB = {"compression"}  # the standard library of Python 3.14 has it
RUN_OR_READ = {  # not imported: programs, plugins, and packages that need one version in common with others
    *("ipykernel", "jupyterlab", "nbclient", "nbstripout", "playwright", "pytest-timeout", "pytest-xdist", "ruff"),
    *("torchcodec", "psycopg", "psycopg-binary", "import-linter", "mypy", "vulture", "hatchling"),
    *("opentimelineio", "otio-cmx3600-adapter", "otio-fcp-adapter", "otio-fcpx-xml-adapter"),
}
PROJECT = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]
EXTRAS = PROJECT["optional-dependencies"]


def canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def names_of(requirements: list[str]) -> set[str]:
    return {canonical(Requirement(line).name) for line in requirements}


def locked() -> list[Requirement]:
    return [Requirement(line) for line in (REPOSITORY / "requirements.lock").read_text().splitlines()]


def sources(*folders: str) -> Iterator[str]:
    """The Python code in folders of the repository, notebooks included."""
    for folder in folders:
        yield from (path.read_text() for path in (REPOSITORY / folder).rglob("*.py"))
        for path in (REPOSITORY / folder).rglob("*.ipynb"):
            cells = json.loads(path.read_text())["cells"]
            yield "\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "code")


def imported_modules(*folders: str) -> Iterator[str]:
    for node in (node for source in sources(*folders) for node in ast.walk(ast.parse(source))):
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


def imported_packages(*folders: str) -> set[str]:
    modules = {".".join(name.split(".")[:2]) for name in imported_modules(*folders)}
    modules = {name for name in modules if name.split(".")[0] not in OURS | sys.stdlib_module_names | NEWER_STDLIB}
    suppliers = {"backports": ["backports-zstd"]} | metadata.packages_distributions()  # not installed on Python 3.14
    return set().union(*(packages_of(name, suppliers) for name in modules))


@pytest.mark.slow
def test_a_plain_installation_brings_whatever_the_package_imports():
    imported = imported_packages("vidlib", "notebooks", "dashboards")
    assert imported - names_of(PROJECT["dependencies"]) == names_of(EXTRAS["dask"])


@pytest.mark.slow
def test_every_requirement_is_imported_or_run_and_every_import_is_required():
    required = names_of(sum(EXTRAS.values(), PROJECT["dependencies"]))
    imported = imported_packages("vidlib", "notebooks", "dashboards", "tests", "benchmarks")
    assert imported - required == set(), "imported, but not in pyproject.toml"
    assert required - imported <= RUN_OR_READ, "in pyproject.toml, but not imported"


def test_the_lock_holds_every_requirement_but_no_torch():
    names = {canonical(requirement.name) for requirement in locked()}
    assert names_of(sum(EXTRAS.values(), PROJECT["dependencies"])) - names == {"torch"}
    assert not [name for name in names if name.startswith(("nvidia-cu", "triton"))]


def test_every_locked_version_is_one_that_pyproject_allows():
    versions = {canonical(requirement.name): str(requirement.specifier)[2:] for requirement in locked()}
    for requirement in map(Requirement, sum(EXTRAS.values(), PROJECT["dependencies"])):
        if requirement.name != "torch":
            assert requirement.specifier.contains(versions[canonical(requirement.name)]), requirement
