"""Stills for the report: their frame, width and bytes."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from tests import sample_media
from vidlib.errors import MediaError
from vidlib.plots.pictures import Box
from vidlib.results import stills
from vidlib.results.stills import Budget, Still


def still(path, frame, **others):
    return Still(**{"frame": frame, "file": path, "width": 64, "max_bytes": 10_000, **others})


def test_each_shows_its_frame_whatever_the_order(tmp_path):
    clip = sample_media.clip(tmp_path / "clip.mp4")
    wanted = [still(tmp_path / f"{n}.jpg", frame) for n, frame in enumerate((40, 3, 49, 3))]
    made = list(stills.make(clip, sample_media.SIZE, wanted))
    assert sorted(made) == [one.file for one in wanted]
    assert [sample_media.frame_number(np.asarray(Image.open(one.file))) for one in wanted] == [40, 3, 49, 3]


def test_no_stills_need_no_video(tmp_path):
    assert list(stills.make(tmp_path / "not there.mp4", sample_media.SIZE, [])) == []


def test_a_frame_beyond_the_end_raises(tmp_path):
    clip = sample_media.clip(tmp_path / "clip.mp4")
    with pytest.raises(MediaError, match="has no frame 90"):
        list(stills.make(clip, sample_media.SIZE, [still(tmp_path / "90.jpg", 90)]))


def test_a_noisy_picture_keeps_within_its_bytes(tmp_path):
    noise = np.random.default_rng(0).integers(0, 255, (180, 320, 3), np.uint8)
    assert len(stills._jpeg(Image.fromarray(noise), 30_000)) <= 30_000


def test_labels_stay_in_the_picture(tmp_path):
    clip = sample_media.clip(tmp_path / "clip.mp4", size=(320, 240))
    corner = Box(300, 0, 20, 20, label="12  SPEAKER_03", color="#66ccee", bold=True)
    (file,) = stills.make(clip, (320, 240), [still(tmp_path / "a.jpg", 5, width=320, boxes=(corner,))])
    plate = np.asarray(Image.open(file))[2, 200:].astype(int)
    assert np.abs(plate - (0x66, 0xCC, 0xEE)).max(axis=-1).min() < 40


@given(st.integers(1, 5000), st.floats(0.3, 4))
def test_a_budget_is_kept_by_any_number_of_pictures(n_stills, aspect):
    budget = Budget(1_000_000, 320)
    width, max_bytes = budget.each(n_stills, aspect)
    assert n_stills * max_bytes <= budget.n_bytes
    assert stills.NARROWEST_PX <= width <= budget.widest_px


def test_a_picture_at_hand_is_taken_if_it_is_wide_enough(tmp_path):
    clip = sample_media.clip(tmp_path / "clip.mp4")
    wide, narrow = (Image.new("RGB", size, "red") for size in (sample_media.SIZE, (32, 24)))
    wide.save(tmp_path / "wide.png")
    narrow.save(tmp_path / "narrow.png")
    wanted = [still(tmp_path / f"{frame}.jpg", frame) for frame in (3, 7, 9)]
    at_hand = {3: tmp_path / "wide.png", 7: tmp_path / "narrow.png"}
    made = {file.stem: np.asarray(Image.open(file)) for file in stills.make(clip, sample_media.SIZE, wanted, at_hand)}
    assert made["3"].reshape(-1, 3).mean(axis=0) == pytest.approx([254, 0, 0], abs=2)
    assert [sample_media.frame_number(made[frame]) for frame in ("7", "9")] == [7, 9]


def test_what_is_at_hand_needs_no_video(tmp_path):
    Image.new("RGB", sample_media.SIZE).save(tmp_path / "picture.png")
    wanted = [still(tmp_path / "3.jpg", 3)]
    made = stills.make(tmp_path / "not there.mp4", sample_media.SIZE, wanted, {3: tmp_path / "picture.png"})
    assert list(made) == [tmp_path / "3.jpg"]


def test_frames_that_are_sought_are_those_of_one_pass(tmp_path, monkeypatch):
    clip = sample_media.clip(tmp_path / "clip.mp4")

    def made(folder):
        return [
            file.read_bytes()
            for file in stills.make(clip, sample_media.SIZE, [still(folder / f"{n}.jpg", n) for n in (2, 49)])
        ]

    in_one_pass = made(tmp_path / "passed")
    monkeypatch.setattr(stills, "FRAMES_PER_SEEK", 1)
    assert made(tmp_path / "sought") == in_one_pass
