import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from vidlib.geometry import Detections, overlaps, square_around

corners = hnp.arrays(float, (3, 2), elements=st.integers(0, 50))
sizes = hnp.arrays(float, (3, 2), elements=st.integers(1, 50))


@given(corners, sizes)
def test_overlap_is_one_with_itself_and_the_same_both_ways(corner, size):
    boxes = np.concatenate([corner, corner + size], axis=-1)
    overlap = overlaps(boxes, boxes)
    assert np.allclose(np.diag(overlap), 1)
    assert np.allclose(overlap, overlap.T)
    assert ((overlap >= 0) & (overlap <= 1)).all()


def test_a_square_past_the_edge_is_black_there():
    """A white picture of 40x20; the box lies in its upper left corner."""
    square, corner = square_around(np.full((20, 40, 3), 255, np.uint8), np.array([0, 0, 8, 10]), 2)
    assert square.shape == (20, 20, 3)
    assert corner.tolist() == [-6, -5]
    assert (square[:5] == 0).all() and (square[:, :6] == 0).all()
    assert (square[5:, 6:] == 255).all()


def test_a_mask_selects_detections():
    detections = Detections(np.arange(8.0).reshape(2, 4), np.array([0.2, 0.9]), ("a", "b"))
    kept = detections.keep(detections.scores > 0.5)
    assert (kept.boxes.tolist(), kept.labels, len(kept)) == ([[4, 5, 6, 7]], ("b",), 1)
