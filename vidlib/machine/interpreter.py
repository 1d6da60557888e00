"""Command lines of child Python processes, which import nothing from the working folder.

Python puts the working folder in front of its own library for ``-c`` and ``-m``. A file ``random.py`` of a user there
would replace the module of that name.
"""

import sys
from pathlib import Path

PACKAGE_ROOT = str(Path(__file__).parents[2])
"""The folder that contains the package vidlib: a checkout, or the folder of installed packages."""


def python_code(code: str, *args: str) -> list[str]:
    """The command that runs one line of Python, which can import this vidlib, installed or not.

    >>> python_code("import vidlib")[1:3]
    ['-P', '-c']
    """
    # behind all other folders, so that nothing there replaces a module of Python or of a library
    return [sys.executable, "-P", "-c", f"import sys; sys.path.append({PACKAGE_ROOT!r}); {code}", *args]


def python_module(name: str, *args: str) -> list[str]:
    """The command that runs an installed module, as ``python -m`` does."""
    return [sys.executable, "-P", "-m", name, *args]


def vidlib_command(*args: str) -> list[str]:
    """The command line of vidlib, with this interpreter."""
    return python_code("from vidlib.cli import main; main()", *args)
