"""What the tests of *audio* share: engines that find the same turns in any sound, and looks at the results."""

import json
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from tests import sample_media as made
from vidlib.errors import GpuFailed
from vidlib.protocols import Diarization
from vidlib.results.exports import speech_table
from vidlib.steps import audio
from vidlib.timeline import Segment, Turn, Turns

MEDIA = Path(__file__).parents[3] / "../shared/media"
VOICES = Path(find_spec("pyannote.metrics").origin).parents[1] / "audio/sample/sample.wav"

TURNS = Turns(
    [
        Turn(0.1, 0.9, "SPEAKER_00", 0.95),
        Turn(0.8, 1.2, "SPEAKER_01", 0.85),
        Turn(1.4, 1.8, "SPEAKER_01", 0.4),
    ]
)
SPEECH = [Segment(0.1, 1.2), Segment(1.4, 1.8), Segment(1.9, 1.95)]


class FakeEngines:
    """Every engine at once: each finds `TURNS` in any sound and records its arguments; its GPU may fail.

    Engines in ``broken`` raise the error given there.
    """

    waveform: np.ndarray
    speakers: dict

    def __init__(self, turns=TURNS, broken_gpu=False):
        self.turns, self.broken_gpu, self.words = turns, broken_gpu, ()
        self.broken: dict[str, Exception] = {}
        self.opened: list[str] = []

    def open(self, name, device, options):
        self.opened.append(name)
        self.device, self.options = device, options
        if name in self.broken:
            raise self.broken[name]
        return self

    def diarize(self, waveform, *, report, **speakers):
        if self.device == "cuda" and self.broken_gpu:
            raise GpuFailed("CUDA out of memory")
        self.waveform, self.speakers = waveform, speakers
        return Diarization(self.turns, SPEECH, self.words)

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        pass


def listen(video: Path, out_dir: Path, frames: int = made.N_FRAMES, device: str = "cpu", **params) -> audio.Outputs:
    return audio.run(audio.Inputs(video=video, frames=frames, out_dir=out_dir), audio.Params(device=device, **params))


def is_silent(outputs: audio.Outputs, frames: int) -> bool:
    rows = speech_table.read(outputs.table).to_pylist()
    assert outputs.turns.read_bytes() == b""
    assert json.loads(outputs.speech.read_text())["turns"] == []
    assert (outputs.engine, outputs.n_speakers, outputs.speech_s, outputs.doubts) == ("none", 0, 0, ())
    return rows == [{"frame": n, "is_speech": False, "speakers": []} for n in range(1, frames + 1)]
