"""Edits with known boundaries: the picture changes where they say so, and nowhere else."""

from random import Random

import numpy as np
import pytest

from benchmarks.composing.edits import CUTS, EDITS, NO_CUTS, Edge, Edited, degraded


def shot(seed: int) -> np.ndarray:
    """130 frames, (130, 36, 64, 3) uint8: a picture of its own brightness, which moves by a pixel a frame."""
    wide = np.random.default_rng(seed).integers(40 * seed, 40 * seed + 60, (36, 200, 3), np.uint8)
    return np.stack([wide[:, frame : frame + 64] for frame in range(130)])


SHOTS = [shot(1), shot(4)]


@pytest.mark.parametrize("name", EDITS)
def test_boundaries_lie_in_the_edit_in_order(name):
    frames, edges = EDITS[name](SHOTS, Random(0))
    assert frames.dtype == np.uint8
    assert frames.shape[1:] == (36, 64, 3)
    assert bool(edges) == (name in CUTS)
    assert all(0 < edge.start <= edge.full < len(frames) for edge in edges)
    assert list(edges) == sorted(edges)


def test_a_splice_changes_the_picture_exactly_at_its_cuts():
    frames, edges = CUTS["splices"]([np.full((60, 36, 64, 3), level, np.uint8) for level in (10, 90, 170)], Random(1))
    jumps = 1 + np.flatnonzero(np.abs(np.diff(frames[:, 0, 0, 0].astype(int))))
    assert set(jumps) <= {edge.start for edge in edges}
    assert len(jumps) >= 2


def test_the_same_seed_gives_the_same_edit():
    for name in (*CUTS, *NO_CUTS):
        first, second = (EDITS[name](SHOTS, Random(7)) for _ in range(2))
        assert first.edges == second.edges
        assert np.array_equal(first.frames, second.frames)


def test_on_twos_each_frame_is_there_twice_and_a_cut_waits_for_the_next():
    frames = np.arange(8, dtype=np.uint8)[:, None, None, None] * np.ones((1, 2, 2, 3), np.uint8)
    edited = degraded(Edited(frames, (Edge(3, 3, "cut"),)), "twos", Random(0))
    assert edited.frames[:, 0, 0, 0].tolist() == [0, 0, 2, 2, 4, 4, 6, 6]
    assert edited.edges == (Edge(4, 4, "cut"),)
