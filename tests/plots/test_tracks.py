"""Figures of tracks."""

import numpy as np
import pandas as pd
from PIL import Image

from tests import finished
from vidlib.plots import tracks
from vidlib.results.exports import tracking_table


def table(tmp_path, *found) -> pd.DataFrame:
    with tracking_table.writing(tmp_path / "t.parquet", total_frames=300, width=64, height=48) as write:
        for rows in found:
            write([rows])
    return tracking_table.read(tmp_path / "t.parquet")


def test_stills_are_of_the_shots_with_the_longest_tracks(tmp_path):
    found = table(
        tmp_path,
        finished.track(1, range(100), 1),
        finished.track(2, range(60), 1),
        finished.track(3, range(100, 104), 2),
        finished.track(4, range(104, 124), 3),
    )
    assert tracks.shots_with_longest_tracks(found, 2) == [1, 3]
    assert tracks.shots_with_longest_tracks(found, 6) == [1, 2, 3]


def test_a_face_has_its_box_on_its_still(tmp_path):
    found = table(tmp_path, finished.track(1, range(100), 1, speaking=range(100), speaker="SPEAKER_00"))
    Image.new("RGB", (640, 480)).save(blank := tmp_path / "blank.png")
    shown, nobody = (tracks.stills({frame: blank}, found, width_px=64).picture for frame in (5, 200))
    changed = np.argwhere(np.asarray(shown) != np.asarray(nobody))
    top, left = changed.min(axis=0)[:2]
    bottom, right = changed.max(axis=0)[:2]
    assert (right - left, bottom - top) >= (195, 195)
