"""Papermill and nbformat, imported in a quarter of their usual time.

Both check notebooks by jsonschema. If rfc3987_syntax is installed, jsonschema imports it, and that builds a grammar of
internationalized addresses for three seconds. Notebooks contain no addresses to check.
"""

import sys

sys.modules.setdefault("rfc3987_syntax", None)  # type: ignore[arg-type] # Python refuses to import a module that is None here

import nbformat  # noqa: E402
import papermill  # noqa: E402
from papermill.exceptions import PapermillExecutionError  # noqa: E402

__all__ = ["PapermillExecutionError", "nbformat", "papermill"]
