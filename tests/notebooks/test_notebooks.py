"""What every notebook keeps to, so that it can be run by Papermill, read by a person, and kept in git."""

import ast
from pathlib import Path

import nbformat
import pytest

from vidlib.jupyter_import import papermill
from vidlib.steps import STEPS

FOLDER = Path(__file__).parents[2] / "notebooks"
BY_NOTEBOOK = {step.notebook: step for step in STEPS.values()}

every_notebook = pytest.mark.parametrize(
    "path", sorted(FOLDER.rglob("*.ipynb")), ids=lambda path: str(path.relative_to(FOLDER))
)
every_step = pytest.mark.parametrize("step", STEPS.values(), ids=lambda step: step.name)


def code_of(path: Path) -> list[str]:
    """The source of each code cell."""
    return [cell.source for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "code"]


def parameters_of(path: Path) -> dict[str, object]:
    """``{name: default}`` of the cell tagged `parameters`, which holds annotated literals and nothing else."""
    cells = nbformat.read(path, as_version=4).cells
    (cell,) = [cell for cell in cells if "parameters" in cell.metadata.get("tags", [])]
    statements = ast.parse(cell.source).body
    assert all(isinstance(statement, ast.AnnAssign) for statement in statements), "only annotated literals"
    return {statement.target.id: ast.literal_eval(statement.value) for statement in statements}


def test_every_step_has_a_notebook_and_every_notebook_beside_them_is_a_step():
    assert {path.name for path in FOLDER.glob("*.ipynb")} == set(BY_NOTEBOOK)


@every_notebook
def test_git_holds_it_without_outputs(path):
    notebook = nbformat.read(path, as_version=4)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert all(cell.outputs == [] and cell.execution_count is None for cell in code)
    assert "widgets" not in notebook.metadata


@every_notebook
def test_it_runs_in_the_kernel_that_is_there(path):
    assert nbformat.read(path, as_version=4).metadata.kernelspec.name == "python3"


@every_notebook
def test_its_cells_keep_their_names(path):
    """Every cell has an id of its own, so that a change shows as one (``nbstripout --keep-id``)."""
    notebook = nbformat.read(path, as_version=nbformat.NO_CONVERT)
    nbformat.validate(notebook)
    ids = [cell.id for cell in notebook.cells]
    assert len(ids) == len(set(ids))


@every_notebook
def test_it_defines_nothing(path):
    definitions = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
    nodes = [node for source in code_of(path) for node in ast.walk(ast.parse(source))]
    assert not [node.name for node in nodes if isinstance(node, definitions)]


@every_step
def test_its_parameters_are_those_of_its_step_with_the_same_defaults(step):
    given = parameters_of(FOLDER / step.notebook)
    inputs, params = step.module.Inputs.model_fields, step.module.Params.model_fields
    assert list(given) == [*inputs, *params]
    assert step.module.Params(**{name: given[name] for name in params}) == step.module.Params()


@every_step
def test_papermill_explains_every_parameter(step):
    known = papermill.inspect_notebook(str(FOLDER / step.notebook))
    unexplained = [name for name, parameter in known.items() if not parameter["help"].strip()]
    assert list(known) == list(parameters_of(FOLDER / step.notebook))
    assert unexplained == []


@every_step
def test_an_input_and_a_parameter_never_have_one_name(step):
    assert not set(step.module.Inputs.model_fields) & set(step.module.Params.model_fields)
