"""CAM++ as an embedding model of pyannote.audio: the speaker embedding of each local speaker in a window."""

from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import interpolate

from vidlib import vault
from vidlib.engines.runtime.pool import Pool
from vidlib.engines.speech.diarization import campplus
from vidlib.engines.speech.diarization.embedding import MIN_FRAMES, open_embedding_session, run_embedding
from vidlib.engines.speech.diarization.reuse import embedding_sources
from vidlib.engines.speech.features import N_MELS
from vidlib.engines.speech.pyannote.imports import Model, fbank
from vidlib.machine.devices import Device
from vidlib.media.audio import SAMPLE_RATE

Network = Callable[[Tensor], Tensor]
"""(frames, 80) log-mel features with their mean removed -> (192,) speaker embedding."""


class EmbeddingModel(Model):
    """(batch, 1, samples) at 16 kHz and (batch, frames) weights -> (batch, 192) speaker embeddings.

    A weight is 1 where the speaker talks, else 0. The embedding of less than `MIN_FRAMES` frames of speech is NaN.
    """

    dimension = campplus.DIMENSION

    def __init__(self, device: Device, threads: Pool[None]):
        super().__init__(sample_rate=SAMPLE_RATE)
        self._network = load_torch() if device == "cuda" else load_onnx()
        self._threads = threads

    def forward(self, waveforms: Tensor, weights: Tensor | None = None) -> Tensor:
        # a window comes once for each local speaker: its features are computed once
        sounds, window_of = torch.unique_consecutive(waveforms, dim=0, return_inverse=True)
        features = torch.stack(self._threads.map(_log_mel, sounds))
        if weights is None:
            speaks = features.new_ones(len(waveforms), features.shape[1], dtype=torch.bool)
        else:
            speaks = interpolate(weights[:, None], size=features.shape[1], mode="nearest")[:, 0] > 0.5
        spoken = [features[window][mask] for window, mask in zip(window_of, speaks, strict=True)]
        # all windows start on one grid of frames, so that equal bytes are the same frame
        frames = [map(bytes, speech.cpu().numpy()) if len(speech) >= MIN_FRAMES else () for speech in spoken]
        sources = embedding_sources(frames, window_of.tolist())
        needed = sorted(set(sources))
        embeddings = dict(zip(needed, self._threads.map(self._embed, [spoken[n] for n in needed]), strict=True))
        return torch.stack([embeddings[source] for source in sources])

    def embed(self, features: Sequence[np.ndarray]) -> np.ndarray:
        """n arrays of (frames, 80) log-mel features of one speaker each -> (n, 192) speaker embeddings."""
        tensors = [torch.from_numpy(speech).to(self.device) for speech in features]
        return torch.stack(self._threads.map(self._embed, tensors)).cpu().numpy()

    @torch.inference_mode()  # every thread has to enter it
    def _embed(self, _: None, features: Tensor) -> Tensor:
        if len(features) < MIN_FRAMES:
            return features.new_full((campplus.DIMENSION,), torch.nan)
        # the mean of this speaker alone: that of the whole window would mix in other speakers
        return self._network(features - features.mean(dim=0))


def load_onnx() -> Network:
    """CAM++ in ONNX Runtime, on one core of the CPU."""
    session = open_embedding_session()
    return lambda features: torch.from_numpy(run_embedding(session, features.numpy()))


def load_torch() -> Network:
    """CAM++ in torch, on the GPU."""
    network = campplus.load(vault.path("speaker_embedding")).to("cuda")
    return lambda features: network(features[None])[0]


@torch.inference_mode()
def _log_mel(_: None, sound: Tensor) -> Tensor:
    """(1, samples) -> (frames of 10 ms, 80), the features of the training of CAM++."""
    return fbank(sound, num_mel_bins=N_MELS, sample_frequency=SAMPLE_RATE, dither=0.0)
