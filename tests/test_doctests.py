"""The examples in docstrings show what the code does."""

import doctest
import importlib

import pytest

from vidlib.settings import REPOSITORY

MODULES = [
    ".".join(path.relative_to(REPOSITORY).with_suffix("").parts)
    for folder in ("vidlib", "tests")
    for path in sorted((REPOSITORY / folder).rglob("*.py"))
    if "\n    >>> " in path.read_text(encoding="utf-8")
]


@pytest.mark.parametrize("module", MODULES)
def test_the_examples_of_a_module_are_true(module):
    result = doctest.testmod(importlib.import_module(module))
    assert result.attempted
    assert not result.failed
