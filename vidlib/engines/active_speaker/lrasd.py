"""LR-ASD: a small network that compares the movement of a mouth with the sound.

Liao, Duan, Feng, Zhao, Yang, Chen, "LR-ASD: Lightweight and Robust Network for Active Speaker Detection", International
Journal of Computer Vision, 2025; weights of github.com/Junhua-Liao/LR-ASD (MIT). The network is written anew here after
the paper; the names of its layers are those of the published weights.
"""

import warnings
from concurrent.futures import Future
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from vidlib import vault
from vidlib.engines.active_speaker import WEIGHTS, mfcc
from vidlib.engines.runtime import openvino_cpu
from vidlib.machine import devices

if TYPE_CHECKING:
    import torch

SIDE = 112
WINDOW = 72
"""Frames that are looked at together at most: more take more memory; of fewer, more are looked at twice, as margin."""

MARGIN = 9
"""Frames before and after that count for what is seen in one: the network's convolutions reach that far."""

N_FEATURES = 128

STEPS = 4
"""Steps of the sound's features per frame: 10 ms each, at 25 frames per second."""

SEGMENTS = (25, 50, 75, 100, 125, 150)
"""Frames that are judged together. The mean over several lengths is steadier than any one, as its authors found."""


class LrAsd:
    """LR-ASD in OpenVINO, on as many windows at once as there are cores: the same numbers on any number of them."""

    side, window, margin = SIDE, WINDOW, MARGIN

    def __init__(self) -> None:
        self._precision = openvino_cpu.fastest_precision()
        self.name = f"LR-ASD on OpenVINO ({self._precision})"
        self._eyes = openvino_cpu.request_pool(_graph("seeing"), self._precision, devices.cores())
        self._ears = openvino_cpu.request_pool(_graph("hearing"), "f32", 1)
        self._judges = openvino_cpu.request_pool(_graph("judging"), "f32", 1)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        for pool in (self._eyes, self._ears, self._judges):
            pool.__exit__(*exception)

    def encode_mouth(self, crops: np.ndarray) -> Future[np.ndarray]:
        """See `vidlib.protocols.ActiveSpeakerModel`."""
        return self._eyes.submit(_see, crops)

    def encode_sound(self, samples: np.ndarray) -> np.ndarray:
        """See `vidlib.protocols.ActiveSpeakerModel`."""
        n_frames = len(samples) // (mfcc.STEP * STEPS)
        if not n_frames:  # of no sound, the network makes something on some processors and fails on others
            return np.zeros((0, N_FEATURES), np.float32)
        steps = mfcc.coefficients(samples)
        missing = n_frames * STEPS - len(steps)
        steps = np.pad(steps, ((0, max(0, missing)), (0, 0)), mode="edge")[: n_frames * STEPS]
        return self._ears.map(_infer, [steps])[0][:n_frames]

    def score(self, mouth: np.ndarray, sound: np.ndarray) -> np.ndarray:
        """See `vidlib.protocols.ActiveSpeakerModel`."""
        return np.mean([self._judged(mouth, sound, length) for length in SEGMENTS], axis=0)

    def _judged(self, seen: np.ndarray, heard: np.ndarray, length: int) -> np.ndarray:
        """Log-odds of each frame, judged in segments of ``length`` frames."""
        both = np.concatenate([heard, seen], axis=-1)
        parts = [both[start : start + length] for start in range(0, len(both), length)]
        return np.concatenate(self._judges.map(_infer, parts))


def _see(request: Any, crops: np.ndarray) -> np.ndarray:
    return _infer(request, crops)[MARGIN : len(crops) - MARGIN]


def _infer(request: Any, values: np.ndarray) -> np.ndarray:
    return request.infer({0: values[np.newaxis]}, share_inputs=True)[0][0].copy()


def _graph(part: str) -> Path:
    """One part of the network as OpenVINO reads it: seeing, hearing or judging."""
    version = f"{openvino_cpu.version()}-2"
    return vault.converted("seeing.xml", WEIGHTS, version, _convert).with_name(f"{part}.xml")


def _convert(weights: Path, target: Path) -> None:
    """Write the three parts of the network as OpenVINO's files beside ``target``."""
    import openvino
    import torch

    seeing, hearing, judging = parts(weights)
    examples = {
        "seeing": (seeing, torch.zeros(1, WINDOW, SIDE, SIDE, dtype=torch.uint8), {"steps": {1: "n"}}),
        "hearing": (hearing, torch.zeros(1, 100, mfcc.N_COEFFICIENTS), {"steps": {1: "n"}}),
        "judging": (judging, torch.zeros(1, 25, 2 * N_FEATURES), {"steps": {1: "n"}}),
    }
    for name, (network, example, free) in examples.items():
        file = target.with_name(f"{name}.onnx")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the exporter warns of its own age
            names = {"input_names": ["steps"], "dynamic_axes": free}
            torch.onnx.export(network, (example,), str(file), opset_version=17, dynamo=False, **names)
        openvino.save_model(openvino.Core().read_model(file), file.with_suffix(".xml"), compress_to_fp16=False)
        file.unlink()


def parts(weights: Path) -> tuple["torch.nn.Module", "torch.nn.Module", "torch.nn.Module"]:
    """The network in PyTorch, as three: seeing, hearing, judging.

    Seeing takes (1, n, SIDE, SIDE) uint8 grey; hearing (1, 4 n, 13) float32; judging what both gave, heard first,
    (1, n, 256), and returns log-odds (1, n).
    """
    import torch

    from vidlib.engines.active_speaker import network as active_speaker_network

    values = torch.load(weights, map_location="cpu", weights_only=True)
    made = active_speaker_network.Seeing(), active_speaker_network.Hearing(), active_speaker_network.Judging()
    for network, names in zip(made, ("visualEncoder", "audioEncoder", None), strict=True):
        prefix = f"model.{names}." if names else "model."
        own = {key.removeprefix(prefix): value for key, value in values.items() if key.startswith(prefix)}
        own |= {} if names else {key: value for key, value in values.items() if key.startswith("lossAV.")}
        network.load_state_dict({key: own[key] for key in network.state_dict()})
    return tuple(network.eval() for network in made)
