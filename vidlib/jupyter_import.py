"""Papermill and nbformat, imported in a quarter of the time that they take by themselves.

Both check notebooks by jsonschema. If it can, that imports rfc3987_syntax, which works out a grammar of
internationalised addresses, for three seconds; no notebook has any to check.
"""

import sys

sys.modules.setdefault("rfc3987_syntax", None)  # what is None here cannot be imported

import nbformat  # noqa: E402
import papermill  # noqa: E402
from papermill.exceptions import PapermillExecutionError  # noqa: E402

__all__ = ["PapermillExecutionError", "nbformat", "papermill"]
