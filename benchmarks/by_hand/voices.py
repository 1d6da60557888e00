"""Find who speaks when with pyannote.audio: voices.py VIDEO SEGMENTATION.bin wespeaker-EMBEDDING.onnx OUT.rttm.

The settings are those of pyannote/speaker-diarization-3.1.
"""

import subprocess
import sys
from pathlib import Path

import numpy as np
import torch

# pyannote.audio itself, also where torchaudio was built for another torch
from vidlib.engines.speech.pyannote.imports import PLDA, SpeakerDiarization

RATE = 16_000
CLUSTERING = {"method": "centroid", "min_cluster_size": 12, "threshold": 0.7045654963945799}


class NoPlda(PLDA):
    """Replaces the PLDA that the pipeline requires; its clustering does not use one."""

    def __init__(self) -> None:
        pass


def main(video: str, segmentation: str, embedding: str, out: str) -> None:
    pipeline = SpeakerDiarization(
        segmentation=segmentation,
        embedding=embedding,
        embedding_exclude_overlap=True,
        clustering="AgglomerativeClustering",
        plda=NoPlda(),
        segmentation_batch_size=32,
        embedding_batch_size=32,
    ).instantiate({"segmentation": {"min_duration_off": 0.0}, "clustering": CLUSTERING})
    output = pipeline({"waveform": waveform(video), "sample_rate": RATE, "uri": Path(video).stem})
    with open(out, "w") as file:
        output.speaker_diarization.write_rttm(file)


def waveform(video: str) -> torch.Tensor:
    """The sound, (1, samples) float32."""
    command = ["ffmpeg", "-v", "error", "-i", video, "-vn", "-ac", "1", "-ar", str(RATE), "-f", "f32le", "-"]
    process = subprocess.run(command, stdout=subprocess.PIPE, check=True)
    return torch.from_numpy(np.frombuffer(process.stdout, np.float32).copy())[None]


if __name__ == "__main__":
    main(*sys.argv[1:])
