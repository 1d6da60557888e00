"""LR-ASD: a small network that compares the movement of a mouth with the sound.

Liao, Duan, Feng, Zhao, Yang, Chen, "LR-ASD: Lightweight and Robust Network for Active Speaker Detection", International
Journal of Computer Vision, 2025; weights of github.com/Junhua-Liao/LR-ASD (MIT). `network` implements it after the
paper.
"""

import warnings
from concurrent.futures import Future
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Self

import numpy as np

from vidlib import vault
from vidlib.engines.active_speaker import WEIGHTS
from vidlib.engines.active_speaker.mfcc import HOP, N_COEFFICIENTS, mfcc
from vidlib.engines.runtime import openvino_cpu
from vidlib.machine import devices

if TYPE_CHECKING:
    import torch

SIDE = 112
"""Side of a mouth crop, in pixels."""

WINDOW = 72
"""Frames of a window at most: longer windows take more memory; in shorter ones, more frames are encoded twice, as
margin."""

MARGIN = 9
"""Frames before and after that influence the encoding of a frame: the network's convolutions reach that far."""

N_FEATURES = 128

WINDOWS_PER_FRAME = 4
"""Windows of the MFCC per frame: one each 10 ms, at 25 frames per second."""

SEGMENT_FRAMES = (25, 50, 75, 100, 125, 150)
"""Lengths of the segments that are scored. The mean over several lengths is steadier than any one, as its authors
found."""

Part = Literal["seeing", "hearing", "judging"]
"""A part of the network, by the name of its file in the vault: visual encoder, audio encoder, detector."""


class LrAsd:
    """LR-ASD in OpenVINO, on as many windows at once as there are cores: the same numbers on any number of them."""

    side, window, margin = SIDE, WINDOW, MARGIN

    def __init__(self) -> None:
        precision = openvino_cpu.fastest_precision()
        self.name = f"LR-ASD on OpenVINO ({precision})"
        self._visual = openvino_cpu.request_pool(_graph("seeing"), precision, devices.cores())
        self._audio = openvino_cpu.request_pool(_graph("hearing"), "f32", 1)
        self._detector = openvino_cpu.request_pool(_graph("judging"), "f32", 1)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        for pool in (self._visual, self._audio, self._detector):
            pool.__exit__(*exception)

    def encode_mouth(self, crops: np.ndarray) -> Future[np.ndarray]:
        """See `vidlib.protocols.ActiveSpeakerModel`."""
        return self._visual.submit(_encode_mouth, crops)

    def encode_sound(self, samples: np.ndarray) -> np.ndarray:
        """See `vidlib.protocols.ActiveSpeakerModel`."""
        n_frames = len(samples) // (HOP * WINDOWS_PER_FRAME)
        if not n_frames:  # for an empty input, the network returns something on some processors and fails on others
            return np.zeros((0, N_FEATURES), np.float32)
        windows = mfcc(samples)
        n_missing = n_frames * WINDOWS_PER_FRAME - len(windows)
        windows = np.pad(windows, ((0, max(0, n_missing)), (0, 0)), mode="edge")[: n_frames * WINDOWS_PER_FRAME]
        return self._audio.map(_infer, [windows])[0][:n_frames]

    def score(self, mouth: np.ndarray, sound: np.ndarray) -> np.ndarray:
        """See `vidlib.protocols.ActiveSpeakerModel`."""
        return np.mean([self._score(mouth, sound, length) for length in SEGMENT_FRAMES], axis=0)

    def _score(self, mouth: np.ndarray, sound: np.ndarray, length: int) -> np.ndarray:
        """The log-odds of each frame, scored in segments of ``length`` frames."""
        features = np.concatenate([sound, mouth], axis=-1)
        segments = [features[start : start + length] for start in range(0, len(features), length)]
        return np.concatenate(self._detector.map(_infer, segments))


def _encode_mouth(request: Any, crops: np.ndarray) -> np.ndarray:
    return _infer(request, crops)[MARGIN : len(crops) - MARGIN]


def _infer(request: Any, values: np.ndarray) -> np.ndarray:
    return request.infer({0: values[np.newaxis]}, share_inputs=True)[0][0].copy()


def _graph(part: Part) -> Path:
    """The file of one part of the network for OpenVINO."""
    version = f"{openvino_cpu.version()}-2"
    return vault.converted("seeing.xml", WEIGHTS, version, _convert).with_name(f"{part}.xml")


def _convert(weights: Path, target: Path) -> None:
    """Write the three parts of the network as OpenVINO's files beside ``target``."""
    import openvino
    import torch

    visual, audio, detector = load_network(weights)
    parts: dict[Part, tuple[torch.nn.Module, torch.Tensor]] = {
        "seeing": (visual, torch.zeros(1, WINDOW, SIDE, SIDE, dtype=torch.uint8)),
        "hearing": (audio, torch.zeros(1, 100, N_COEFFICIENTS)),
        "judging": (detector, torch.zeros(1, 25, 2 * N_FEATURES)),
    }
    for name, (module, example) in parts.items():
        file = target.with_name(f"{name}.onnx")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the exporter warns that it is deprecated
            options: dict[str, Any] = {"input_names": ["steps"], "dynamic_axes": {"steps": {1: "n"}}}
            torch.onnx.export(module, (example,), str(file), opset_version=17, dynamo=False, **options)
        openvino.save_model(openvino.Core().read_model(file), file.with_suffix(".xml"), compress_to_fp16=False)
        file.unlink()


def load_network(weights: Path) -> tuple["torch.nn.Module", "torch.nn.Module", "torch.nn.Module"]:
    """The network in PyTorch, as three modules: visual encoder, audio encoder and detector.

    The visual encoder takes (1, n, SIDE, SIDE) uint8 grey, the audio encoder MFCC (1, 4 n, 13) float32, the detector
    the features of both, audio first, (1, n, 256). The detector returns log-odds (1, n).
    """
    import torch

    from vidlib.engines.active_speaker.network import AudioEncoder, Detector, VisualEncoder

    values = torch.load(weights, map_location="cpu", weights_only=True)
    model = {key.removeprefix("model."): value for key, value in values.items() if key.startswith("model.")}
    heads = {key: value for key, value in values.items() if key.startswith("lossAV.")}
    return (
        _load(VisualEncoder(), _with_prefix(model, "visualEncoder.")),
        _load(AudioEncoder(), _with_prefix(model, "audioEncoder.")),
        _load(Detector(), model | heads),
    )


def _with_prefix(values: dict[str, Any], prefix: str) -> dict[str, Any]:
    return {key.removeprefix(prefix): value for key, value in values.items() if key.startswith(prefix)}


def _load(module: "torch.nn.Module", values: dict[str, Any]) -> "torch.nn.Module":
    """The module with those of the values that it has layers for."""
    module.load_state_dict({key: values[key] for key in module.state_dict()})
    return module.eval()
