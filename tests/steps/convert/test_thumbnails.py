"""The files beside the video: stills and thumbnails."""

import numpy as np
import pytest
from PIL import Image

from tests import sample_media as made
from tests.steps.convert.converting import converted
from vidlib.errors import CommandFailed
from vidlib.media import thumbnails
from vidlib.media.frames import read_frames, read_stills
from vidlib.steps import convert

pytestmark = pytest.mark.slow


def assert_stills_are_evenly_spaced(outputs: convert.Outputs) -> None:
    numbers = convert.still_numbers(outputs.frames)
    assert len(numbers) == min(12, outputs.frames)
    shown = np.hstack(read_stills(outputs.video, numbers, 240, 180)).astype(int)
    assert np.abs(np.asarray(Image.open(outputs.stills)) - shown).mean() < 3


@pytest.mark.parametrize("name", ["kept", "encoded"])
def test_stills_are_left_of_frames_that_are_evenly_spaced(results, name):
    assert_stills_are_evenly_spaced(results[name])


def test_a_short_clip_leaves_a_still_of_each_frame(tmp_path, out_dir):
    assert_stills_are_evenly_spaced(converted(made.clip(tmp_path / "clip.mp4", n_frames=5), out_dir))


@pytest.mark.parametrize("name", ["kept", "encoded"])
def test_every_frame_is_left_in_few_pixels(results, name):
    outputs = results[name]
    small = list(thumbnails.read(outputs.small))
    np.testing.assert_array_equal(small, list(read_frames(outputs.video, *thumbnails.SIZE)))
    assert len(small) == outputs.frames


@pytest.mark.parametrize("file", [convert.STILLS_FILE, convert.SMALL_FILE])
def test_what_cannot_be_written_is_not_called_a_broken_video(tmp_path, out_dir, file):
    source = made.clip(tmp_path / "clip.mp4")
    (out_dir / file).mkdir(parents=True)
    with pytest.raises(CommandFailed, match=file):
        converted(source, out_dir)


@pytest.mark.parametrize("size", [(2, 4096), (4096, 2)])
def test_a_strip_is_converted_and_has_stills(tmp_path, out_dir, size):
    source = made.clip(tmp_path / "clip.mp4", size=size, n_frames=12)
    with Image.open(converted(source, out_dir).stills) as stills:
        assert stills.size == (12 * 240, 960 if size[1] > size[0] else 2)
