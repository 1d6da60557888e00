"""What vidlib uses of pyannote.audio, imported as it has to be: offline, without telemetry, beside any torchaudio.

The only file that imports pyannote.audio.
"""

import importlib
import os
import sys
import warnings
from types import ModuleType


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

with warnings.catch_warnings():
    # it reads no files for us: sound is handed over as an array
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
