"""What every active speaker model promises, tested with LR-ASD."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import replace

import numpy as np
import pytest

from vidlib import vault
from vidlib.engines.active_speaker import WEIGHTS, open_active_speaker
from vidlib.files import sha256
from vidlib.protocols import ActiveSpeakerModel
from vidlib.settings import load

pytestmark = pytest.mark.slow

RNG = np.random.default_rng(0)


@contextmanager
def random_weights(folder) -> Iterator[None]:
    """LR-ASD's network with random weights, in a vault of its own: what the model promises holds for any weights."""
    import torch

    from vidlib.engines.active_speaker.network import AudioEncoder, Detector, VisualEncoder

    torch.manual_seed(0)
    values = {f"model.visualEncoder.{name}": value for name, value in VisualEncoder().state_dict().items()}
    values |= {f"model.audioEncoder.{name}": value for name, value in AudioEncoder().state_dict().items()}
    for name, value in Detector().state_dict().items():
        values[name if name.startswith("lossAV.") else f"model.{name}"] = value
    folders = load(vault_dir=folder / "vault", models_dir=folder)
    published = vault.MODELS[WEIGHTS]
    torch.save(values, folder / published.file)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(vault, "settings", lambda: folders)
        patch.setitem(vault.MODELS, WEIGHTS, replace(published, sha256=sha256(folder / published.file)))
        yield


@pytest.fixture(scope="module")
def model(tmp_path_factory) -> Iterator[ActiveSpeakerModel]:
    has_weights = vault.has(WEIGHTS)
    with (
        nullcontext() if has_weights else random_weights(tmp_path_factory.mktemp("weights")),
        open_active_speaker(WEIGHTS) as m,
    ):
        yield m


def window(model, n: int) -> np.ndarray:
    """Noise instead of a mouth, for ``n`` frames."""
    return RNG.integers(0, 255, (model.margin + n + model.margin, model.side, model.side), np.uint8)


@pytest.mark.parametrize("n", [1, 25, 72])
def test_mouth_and_sound_have_a_row_for_each_frame(model, n):
    mouth = model.encode_mouth(window(model, n)).result()
    sound = model.encode_sound(RNG.normal(size=640 * n).astype(np.float32) / 10)
    assert len(mouth) == len(sound) == n
    assert model.score(mouth, sound).shape == (n,)


def test_one_core_encodes_the_same_as_all(model):
    windows, cores = [window(model, n) for n in (72, 30, 31)], os.sched_getaffinity(0)
    encoded = [future.result() for future in [model.encode_mouth(crops) for crops in windows]]
    try:
        os.sched_setaffinity(0, {min(cores)})
        with open_active_speaker(WEIGHTS) as alone:
            again = [alone.encode_mouth(crops).result() for crops in windows]
    finally:
        os.sched_setaffinity(0, cores)
    assert all((one == other).all() for one, other in zip(encoded, again, strict=True))


def test_windows_join_without_a_seam(model):
    """The encoding of a frame depends neither on its position in the window nor on the length of the window."""
    whole = window(model, 60)
    size = model.margin + 20 + model.margin
    long, short = model.encode_mouth(whole), model.encode_mouth(whole[10 : 10 + size])
    assert np.abs(long.result()[10:30] - short.result()).max() < 1e-3


def test_no_sound_has_no_rows(model):
    assert len(model.encode_sound(np.zeros(0, np.float32))) == 0
