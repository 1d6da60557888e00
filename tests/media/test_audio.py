"""Sound in memory and on disk."""

import math
from tempfile import TemporaryFile

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests import sample_media as made
from vidlib.errors import MediaError
from vidlib.media.audio import (
    SAMPLE_RATE,
    StoredSamples,
    chunks,
    loudness_by_frame,
    read_by_frame,
    read_waveform,
    stored_waveform,
)

SOUND = np.random.default_rng(0).normal(0, 0.1, 1000).astype(np.float32)


@pytest.fixture(scope="module")
def stored():
    with TemporaryFile() as file:
        file.write(SOUND.tobytes())
        yield StoredSamples(file, len(SOUND))


@given(start=st.none() | st.integers(-1100, 1100), stop=st.none() | st.integers(-1100, 1100))
def test_a_slice_is_that_of_the_array(stored, start, stop):
    piece = stored[start:stop]
    np.testing.assert_array_equal(piece, SOUND[start:stop])
    assert piece.dtype == np.float32
    assert piece.flags.writeable


def test_no_more_is_read_than_the_declared_length(stored):
    assert len(StoredSamples(stored._file, 10)[5:20]) == 5


@given(n_samples=st.integers(1, 1100))
def test_the_chunks_are_the_whole(stored, n_samples):
    np.testing.assert_array_equal(np.concatenate(list(chunks(stored, n_samples))), SOUND)


def test_the_waveform_is_mono_at_16_khz(tmp_path):
    sound = read_waveform(made.clip(tmp_path / "clip.mp4"))
    assert sound.dtype == np.float32
    assert len(sound) == pytest.approx(2 * SAMPLE_RATE, abs=1024)
    crossings = (np.diff(np.signbit(sound[4000:20000])) != 0).sum()
    assert crossings == pytest.approx(2 * 440, rel=0.01)


def test_the_waveform_begins_with_the_picture(tmp_path):
    late = made.clip(tmp_path / "late.mkv", options=["-af", "asetpts=PTS+0.5/TB", "-c:a", "pcm_s16le"])
    sound = read_waveform(late)
    assert math.isclose((abs(sound) > 0.01).argmax() / SAMPLE_RATE, 0.5, abs_tol=0.02)


def test_a_silent_clip_has_an_empty_waveform(tmp_path):
    assert len(read_waveform(made.silent(tmp_path / "clip.mp4"))) == 0


def test_a_waveform_on_disk_is_the_same_and_leaves_nothing(tmp_path):
    source, folder = made.clip(tmp_path / "clip.mp4"), tmp_path / "folder"
    folder.mkdir()
    with stored_waveform(source, folder, 30_000) as stored:
        np.testing.assert_array_equal(stored[:], read_waveform(source)[:30_000])
        assert not list(folder.iterdir())
    with stored_waveform(source, folder, 60_000) as stored:
        assert len(stored) == len(read_waveform(source)) < 60_000
    with stored_waveform(made.silent(tmp_path / "silent.mp4"), folder, 60_000) as stored:
        assert len(stored) == 0


def test_sound_that_cannot_be_decoded_is_not_stored(tmp_path):
    with pytest.raises(MediaError), stored_waveform(made.garbage(tmp_path / "clip.mp4"), tmp_path, 1):
        pass


def test_loudness_has_one_value_a_frame_and_knows_silence(tmp_path):
    late = made.clip(tmp_path / "late.mkv", options=["-af", "asetpts=PTS+0.4/TB", "-c:a", "pcm_s16le"])
    loud = loudness_by_frame(late)
    assert loud[:9].max() < 0.001
    assert loud[11:50] == pytest.approx(0.125 / math.sqrt(2), rel=0.05)  # a sine of amplitude 1/8
    assert len(loudness_by_frame(made.silent(tmp_path / "clip.mp4"))) == 0


def test_other_tracks_than_the_first_are_read_by_number(tmp_path):
    video = made.clip(tmp_path / "clip.mp4", sounds=2, options=["-filter:a:0", "volume=0"])
    assert not np.any(np.concatenate(list(read_by_frame(video))))
    np.testing.assert_array_equal(np.concatenate(list(read_by_frame(video, [2]))), read_waveform(video, tracks=[2]))
    assert np.abs(read_waveform(video, tracks=[2])).max() > 0.05
