"""The names that vidlib uses of pyannote.audio, imported offline, without telemetry, and with any torchaudio.

No other module imports pyannote.audio.
"""

import importlib
import os
import sys
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from types import ModuleType
from typing import Any

import torch  # noqa: F401  (torch itself must not see the stub of its compiler)


class CompilerStub(ModuleType):
    """A stub of the compiler of torch, ``torch._dynamo``, whose import takes 2 s and 75 MB; nothing is compiled here.

    Lightning uses two of its names during its import. Any other name loads the real module.
    """

    class OptimizedModule:
        """The class of compiled networks, of which there are none."""

    @staticmethod
    def disable(function: Callable[..., Any] | None = None, *_: Any, **__: Any) -> Callable[..., Any]:
        """Return ``function`` unchanged; without it, return a decorator that does."""
        return function or (lambda decorated: decorated)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        sys.modules.pop(self.__name__, None)
        return getattr(importlib.import_module(self.__name__), name)


@contextmanager
def _stubbed(modules: Mapping[str, ModuleType | None]) -> Iterator[None]:
    """Replace ``modules`` for all imports in the block; None raises ImportError. Loaded modules stay."""
    stubs = {name: stub for name, stub in modules.items() if name not in sys.modules}
    sys.modules.update(stubs)  # type: ignore[arg-type] # Python accepts None, its stub does not
    try:
        yield
    finally:
        for name, stub in stubs.items():
            if sys.modules.get(name) is stub:
                del sys.modules[name]


def _repair_torchaudio() -> None:
    """Make torchaudio importable where its native part needs another torch (a CUDA build beside a CPU build).

    vidlib uses only its pure Python parts.
    """
    try:
        importlib.import_module("torchaudio")
    except (ImportError, OSError):
        native = ModuleType("torchaudio._extension")
        missing = {"_IS_TORCHAUDIO_EXT_AVAILABLE": False, "_IS_ALIGN_AVAILABLE": False}
        vars(native).update(missing, fail_if_no_align=lambda function: function)
        sys.modules[native.__name__] = native


# pyannote.audio reads both during its import: it sends no usage data and asks no hub for models
os.environ["PYANNOTE_METRICS_ENABLED"] = "0"
os.environ["HF_HUB_OFFLINE"] = "1"

# pyannote.audio gets sound as arrays and reads no files, so it needs no torchcodec, which takes 0.5 s and 40 MB
with _stubbed({"torch._dynamo": CompilerStub("torch._dynamo"), "torchcodec": None}), warnings.catch_warnings():
    warnings.filterwarnings("ignore", r"\s*torchcodec is not installed correctly", UserWarning)
    _repair_torchaudio()
    from pyannote.audio import Inference, Model
    from pyannote.audio.core.plda import PLDA
    from pyannote.audio.pipelines import SpeakerDiarization
    from pyannote.audio.pipelines.clustering import AgglomerativeClustering
    from pyannote.audio.utils.reproducibility import ReproducibilityWarning
    from pyannote.core import Annotation, SlidingWindow, SlidingWindowFeature
    from torchaudio.compliance.kaldi import fbank

__all__ = [
    "PLDA",
    "AgglomerativeClustering",
    "Annotation",
    "Inference",
    "Model",
    "ReproducibilityWarning",
    "SlidingWindow",
    "SlidingWindowFeature",
    "SpeakerDiarization",
    "fbank",
]
