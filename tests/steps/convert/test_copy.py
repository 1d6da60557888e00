"""Files that already have the form, in whole or in part, and equal bytes."""

import os
import subprocess

import pytest

from tests import sample_media as made
from tests.steps.convert.converting import converted, numbers
from vidlib.files import sha256
from vidlib.media.probe import probe_video

pytestmark = pytest.mark.slow


def test_a_clip_in_the_editors_form_is_not_encoded_again(tmp_path, results):
    source, outputs = made.clip(tmp_path / "clip.mp4"), results["kept"]
    assert (outputs.engine, outputs.encoded, outputs.frames, outputs.has_audio) == ("copy", False, 50, True)
    assert sha256(outputs.video) == sha256(source)
    assert outputs.video.name == "video.mp4"


def test_sound_that_is_aac_already_is_not_encoded_again(tmp_path, results):
    source, video = made.clip(tmp_path / "clip.mp4", fps="24"), results["encoded"].video
    digest = ["-map", "0:a", "-c", "copy", "-f", "md5", "-"]
    one, other = (subprocess.check_output(["ffmpeg", "-v", "error", "-i", path, *digest]) for path in (source, video))
    assert one == other


def test_only_the_sound_is_encoded_where_the_picture_has_the_form(tmp_path, out_dir):
    source = made.clip(tmp_path / "clip.mov", options=["-c:a", "pcm_s16le"])
    outputs = converted(source, out_dir)
    assert (outputs.engine, outputs.encoded, outputs.audio_tracks) == ("copy", False, 1)
    assert numbers(outputs.video) == list(range(50))
    assert probe_video(outputs.video).audio[0].codec == "aac"


def test_the_same_source_gives_the_same_bytes(tmp_path):
    source = made.clip(tmp_path / "clip.mkv", size=(320, 240), options=["-c:a", "pcm_s16le"])
    one, other = (converted(source, tmp_path / name, preset="medium").video for name in ("one", "other"))
    assert sha256(one) == sha256(other)


@pytest.mark.skipif(len(os.sched_getaffinity(0)) < 2, reason="needs two cores")
@pytest.mark.parametrize("options", [["-pix_fmt", "yuv422p10le"], ["-vf", "setsar=2,interlace"]])
def test_any_number_of_cores_gives_the_same_bytes(tmp_path, options):
    source = made.clip(tmp_path / "clip.mkv", size=(320, 240), options=["-c:v", "ffv1", *options])
    cores, digests = os.sched_getaffinity(0), []
    try:
        for some in (cores, {min(cores)}):
            os.sched_setaffinity(0, some)
            digests.append(sha256(converted(source, tmp_path / str(len(some))).video))
    finally:
        os.sched_setaffinity(0, cores)
    assert digests[0] == digests[1]


def test_the_source_is_only_read(tmp_path, out_dir):
    source = made.clip(tmp_path / "clip.mp4", fps="24")
    before = sha256(source), source.stat().st_mtime_ns
    converted(source, out_dir)
    assert (sha256(source), source.stat().st_mtime_ns) == before
