"""Speaker embeddings of CAM++ in ONNX Runtime: 192 numbers that identify a speaker, without torch at run time."""

from pathlib import Path

import numpy as np
import onnxruntime

from vidlib import vault

MIN_FRAMES = 20
"""Fewest feature frames (of 10 ms) of a useful speaker embedding."""


class SpeakerEmbedder:
    """The CAM++ network on one core; several threads may use it at once."""

    def __init__(self) -> None:
        self._session = open_embedding_session()

    def embed(self, features: np.ndarray) -> np.ndarray:
        """The embedding of one speaker, (192,) float32, not normalized.

        ``features`` are (frames, 80) log-mel features of that speaker alone, at least `MIN_FRAMES`. Their own mean is
        subtracted: the mean of a longer part would mix in other speakers.
        """
        centred = features - features.mean(axis=0, dtype=np.float64).astype(np.float32)
        return run_embedding(self._session, centred)


def open_embedding_session() -> onnxruntime.InferenceSession:
    """CAM++ in ONNX Runtime; torch converts it once, and the vault keeps the graph."""
    return single_core_session(vault.converted("campplus.onnx", "speaker_embedding", "onnx-1", _export))


def run_embedding(session: onnxruntime.InferenceSession, centred: np.ndarray) -> np.ndarray:
    """(frames, 80) log-mel features with their mean removed -> (192,) float32."""
    return session.run(None, {"features": centred[None]})[0][0]


def single_core_session(graph: Path) -> onnxruntime.InferenceSession:
    """An ONNX network on one core, so that it sums in the same order on every machine with the same kind of core."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3  # the runtime warns of unused parts of the graphs
    return onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])


def _export(weights: Path, target: Path) -> None:
    # only the conversion needs torch
    from vidlib.engines.speech.diarization import campplus

    campplus.to_onnx(weights, target)
