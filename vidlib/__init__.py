"""A notebook workstation for video analysis: shots, voices, faces and who is speaking, from archive to report.

The functions and classes of `vidlib.api` are imported when they are first used (PEP 562), so that ``import vidlib``
loads no heavy library.
"""

import os
from importlib import import_module
from typing import TYPE_CHECKING, Any

from vidlib._version import VERSION as __version__
from vidlib.errors import VidlibError
from vidlib.timeline import FPS, Shot, Span, Turn

if TYPE_CHECKING:
    from vidlib.api import Video, Workspace, compare, evaluate, open, run, show

__all__ = [
    "FPS",
    "Shot",
    "Span",
    "Turn",
    "Video",
    "VidlibError",
    "Workspace",
    "__version__",
    "compare",
    "evaluate",
    "open",
    "run",
    "show",
]

# OpenMP, in torch, reads this once, when it is loaded. Its threads otherwise wait busily for one another, and where
# several steps share the cores they wait for those that they keep from running: measured two to ten times slower.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")


def __getattr__(name: str) -> Any:
    if name in __all__:
        return getattr(import_module("vidlib.api"), name)
    raise AttributeError(f"module 'vidlib' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
