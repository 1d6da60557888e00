from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from vidlib.plots import style


def pixels(png: bytes) -> np.ndarray:
    return np.asarray(Image.open(BytesIO(png)).convert("RGB"))


@pytest.mark.slow
def test_a_notebook_shows_a_figure_as_it_would_be_saved():
    fig, axes = style.figure(6, 3, nrows=2, sharex=True)
    axes[0].plot([0, 70], [0, 1], label="rising")
    axes[0].set_title("A long title that takes some room", loc="left")
    axes[0].legend()
    style.time_axis(axes[1], 70)
    shown, saved = fig._repr_png_(), BytesIO()
    fig.savefig(saved)
    assert pixels(shown).shape == (300, 600, 3)
    assert (pixels(shown) == pixels(saved.getvalue())).all()
