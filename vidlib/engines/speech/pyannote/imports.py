"""What vidlib uses of pyannote.audio, imported as it has to be: offline, without telemetry, beside any torchaudio.

The only file that imports pyannote.audio.
"""

import importlib
import os
import sys
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from types import ModuleType
from typing import Any

import torch  # noqa: F401  (what stands for its compiler stands for it only in here)


class NoCompiler(ModuleType):
    """Stands for torch's compiler, ``torch._dynamo``: it takes 2 s to import and 75 MB, and nothing is compiled here.

    Lightning asks it for two things while it is imported; any other comes from the real one.
    """

    class OptimizedModule:
        """What no network is."""

    @staticmethod
    def disable(function: Callable | None = None, *_: Any, **__: Any) -> Callable:
        """The function as it is; or, as a decorator with arguments, one that gives it back."""
        return function or (lambda decorated: decorated)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        sys.modules.pop(self.__name__, None)
        return getattr(importlib.import_module(self.__name__), name)


@contextmanager
def _standing_in(others: Mapping[str, ModuleType | None]) -> Iterator[None]:
    """While the block runs, whoever imports a module of these names gets another, or ImportError for None.

    Those that were imported before stay.
    """
    put = {name: other for name, other in others.items() if name not in sys.modules}
    sys.modules.update(put)
    try:
        yield
    finally:
        for name, other in put.items():
            if sys.modules.get(name) is other:
                del sys.modules[name]


def _mend_torchaudio() -> None:
    """Let torchaudio be imported where its native part was built for another torch (a CUDA build beside a CPU one).

    Only its parts in pure Python are needed.
    """
    try:
        importlib.import_module("torchaudio")
    except (ImportError, OSError):
        native = ModuleType("torchaudio._extension")
        native._IS_TORCHAUDIO_EXT_AVAILABLE = native._IS_ALIGN_AVAILABLE = False
        native.fail_if_no_align = lambda function: function
        sys.modules[native.__name__] = native


# both are read while pyannote.audio is imported: no usage data leaves the machine, no hub is asked for a model
os.environ["PYANNOTE_METRICS_ENABLED"] = "0"
os.environ["HF_HUB_OFFLINE"] = "1"

# it reads no files for us, sound is handed over as an array: so it needs no torchcodec, which takes 0.5 s and 40 MB
with _standing_in({"torch._dynamo": NoCompiler("torch._dynamo"), "torchcodec": None}), warnings.catch_warnings():
    warnings.filterwarnings("ignore", r"\s*torchcodec is not installed correctly", UserWarning)
    _mend_torchaudio()
    from pyannote.audio import Inference, Model
    from pyannote.audio.core.plda import PLDA
    from pyannote.audio.pipelines import SpeakerDiarization
    from pyannote.audio.pipelines.clustering import AgglomerativeClustering
    from pyannote.audio.pipelines.speaker_diarization import DiarizeOutput
    from pyannote.audio.utils.reproducibility import ReproducibilityWarning
    from pyannote.core import Annotation, SlidingWindow, SlidingWindowFeature
    from torchaudio.compliance.kaldi import fbank

__all__ = [
    "PLDA",
    "AgglomerativeClustering",
    "Annotation",
    "DiarizeOutput",
    "Inference",
    "Model",
    "ReproducibilityWarning",
    "SlidingWindow",
    "SlidingWindowFeature",
    "SpeakerDiarization",
    "fbank",
]
