import dataclasses
import os
import subprocess
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from pydantic import ValidationError

from tests import sample_media as made
from vidlib.errors import BrokenOutput, CommandFailed, EngineUnavailable, MediaError
from vidlib.files import sha256
from vidlib.media import encoders, thumbnails, transcode
from vidlib.media.audio import SAMPLE_RATE, read_waveform
from vidlib.media.frames import read_frames, read_stills
from vidlib.media.probe import frame_times, probe_video
from vidlib.steps import convert
from vidlib.steps.base import Step

SINTEL = Path(__file__).parents[2] / "../shared/media/sintel_trailer-720p.mp4"


@pytest.fixture
def out_dir(tmp_path: Path) -> Path:
    return tmp_path / "out"


def converted(source: Path, out_dir: Path, **params) -> convert.Outputs:
    return convert.run(convert.Inputs(source=source, out_dir=out_dir), convert.Params(**params))


def numbers(video: Path) -> list[int]:
    """The numbers of the pictures in a converted clip, frame by frame."""
    return [made.frame_number(frame) for frame in read_frames(video, *probe_video(video).display_size)]


def tags(video: Path, of: str) -> list[str]:
    command = ["ffprobe", "-v", "error", "-show_entries", f"stream={of}:stream_tags={of}", "-of", "csv=p=0:nk=1"]
    return subprocess.run([*command, f"file:{video}"], capture_output=True, text=True, check=True).stdout.split()


def test_a_clip_in_the_editors_form_is_not_encoded_again(tmp_path, out_dir):
    source = made.clip(tmp_path / "clip.mp4")
    outputs = converted(source, out_dir)
    assert (outputs.engine, outputs.encoded, outputs.frames, outputs.has_audio) == ("copy", False, 50, True)
    assert sha256(outputs.video) == sha256(source)
    assert outputs.video == out_dir / "video.mp4"


@pytest.mark.parametrize(("fps", "n_frames"), [("25", 50), ("24", 50), ("25", 5)], ids=["kept", "encoded", "short"])
def test_stills_are_left_of_frames_that_are_evenly_spaced(tmp_path, out_dir, fps, n_frames):
    outputs = converted(made.clip(tmp_path / "clip.mp4", fps=fps, n_frames=n_frames), out_dir)
    numbers = convert.still_numbers(outputs.frames)
    assert len(numbers) == min(12, outputs.frames)
    shown = np.hstack(read_stills(outputs.video, numbers, 240, 180)).astype(int)
    assert np.abs(np.asarray(Image.open(outputs.stills)) - shown).mean() < 3


@pytest.mark.parametrize("fps", ["25", "24"], ids=["kept", "encoded"])
def test_every_frame_is_left_in_few_pixels(tmp_path, out_dir, fps):
    outputs = converted(made.clip(tmp_path / "clip.mp4", fps=fps), out_dir)
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


@pytest.mark.parametrize(
    ("fps", "first_ones"),
    [
        ("24", [*range(12), 11, *range(12, 20)]),
        ("50", list(range(0, 50, 2))),
        ("30000/1001", [0, 1, 2, 4, 5, 6, 7, 8, 10]),
        ("25000/1001", [0]),
    ],
)
def test_any_rate_becomes_25_and_keeps_its_pace(tmp_path, out_dir, fps, first_ones):
    outputs = converted(made.clip(tmp_path / "clip.mp4", fps=fps), out_dir)
    assert abs(outputs.frames - 50 * 25 / Fraction(fps)) < 1
    assert numbers(outputs.video)[: len(first_ones)] == first_ones
    assert (outputs.source_fps, outputs.source_frames, outputs.lost_frames) == (fps, 50, 0)
    assert outputs.doubts == ()


def test_a_variable_rate_becomes_constant_by_repeating_what_was_shown_longer(tmp_path, out_dir):
    outputs = converted(made.variable_rate(tmp_path / "clip.mp4"), out_dir)
    slow = [number for number in range(25, 49) for _ in range(2)]
    assert numbers(outputs.video) == [*range(25), *slow, 49]
    assert frame_times(probe_video(outputs.video)) == [Fraction(n, 25) for n in range(74)]


def test_the_picture_is_turned_upright(tmp_path, out_dir):
    outputs = converted(made.rotated(tmp_path / "clip.mp4"), out_dir)
    assert (outputs.width, outputs.height) == (48, 64)
    # what was the lower edge, with the blocks, is the left edge after a clockwise quarter turn
    frame = list(read_frames(outputs.video, 48, 64))[1]
    assert frame[4, 4].mean() > 200, "the block of bit 0, lowest left before, uppermost left now"
    assert frame[20, 4].mean() < 50


def test_pixels_become_square(tmp_path, out_dir):
    outputs = converted(made.anamorphic(tmp_path / "clip.mp4"), out_dir)
    assert (outputs.width, outputs.height) == (128, 48)
    assert probe_video(outputs.video).sar == 1


def test_odd_sides_lose_a_line_of_pixels_and_nothing_else(tmp_path, out_dir):
    outputs = converted(made.odd_size(tmp_path / "clip.mp4"), out_dir)
    assert (outputs.width, outputs.height, outputs.frames) == (62, 46, 50)
    assert numbers(outputs.video) == list(range(50))


def test_a_silent_clip_stays_silent(tmp_path, out_dir):
    outputs = converted(made.clip(tmp_path / "clip.mp4", fps="24", sounds=0), out_dir)
    assert not outputs.has_audio
    assert outputs.audio_tracks == 0


def test_every_track_of_sound_stays_with_its_language(tmp_path, out_dir):
    languages = ["-metadata:s:a:0", "language=ger", "-metadata:s:a:1", "language=eng"]
    source = made.clip(tmp_path / "clip.mkv", fps="24", sounds=2, options=[*languages, "-c:a", "pcm_s16le"])
    outputs = converted(source, out_dir)
    assert outputs.audio_tracks == 2
    assert tags(outputs.video, "language")[1:] == ["ger", "eng"]


def test_sound_that_is_aac_already_is_not_encoded_again(tmp_path, out_dir):
    source = made.clip(tmp_path / "clip.mp4", fps="24")
    digest = ["-map", "0:a", "-c", "copy", "-f", "md5", "-"]
    video = converted(source, out_dir).video
    one, other = (subprocess.check_output(["ffmpeg", "-v", "error", "-i", path, *digest]) for path in (source, video))
    assert one == other


def test_only_the_sound_is_encoded_where_the_picture_has_the_form(tmp_path, out_dir):
    source = made.clip(tmp_path / "clip.mov", options=["-c:a", "pcm_s16le"])
    outputs = converted(source, out_dir)
    assert (outputs.engine, outputs.encoded, outputs.audio_tracks) == ("copy", False, 1)
    assert numbers(outputs.video) == list(range(50))
    assert probe_video(outputs.video).audio[0].codec == "aac"


def test_sound_that_begins_late_stays_late(tmp_path, out_dir):
    late = made.clip(tmp_path / "late.mkv", fps="24", options=["-af", "asetpts=PTS+0.5/TB", "-c:a", "pcm_s16le"])
    sound = read_waveform(converted(late, out_dir).video)
    first_heard_s = (abs(sound) > 0.01).argmax() / SAMPLE_RATE
    assert first_heard_s == pytest.approx(0.5, abs=0.03)


def test_a_picture_that_begins_late_waits_with_its_first_frame(tmp_path, out_dir):
    late = made.clip(tmp_path / "late.mkv", options=["-vf", "setpts=PTS+0.2/TB", "-c:a", "pcm_s16le"])
    outputs = converted(late, out_dir)
    assert numbers(outputs.video)[:7] == [0, 0, 0, 0, 0, 0, 1]


def test_the_time_code_goes_on_counting_at_25(tmp_path, out_dir):
    source = made.clip(tmp_path / "clip.mov", fps="30000/1001", options=["-timecode", "01:00:00;15"])
    outputs = converted(source, out_dir)
    assert probe_video(outputs.video).timecode == "01:00:00:12"


@pytest.mark.parametrize("pix_fmt", ["yuv422p10le", "yuvj420p", "gbrp"])
def test_other_pixels_become_8_bit_420_in_limited_range_and_look_alike(tmp_path, out_dir, pix_fmt):
    codec = ["-c:v", "ffv1" if pix_fmt == "gbrp" else "libx264", "-pix_fmt", pix_fmt]
    source = made.clip(tmp_path / "clip.mkv", options=codec)
    outputs = converted(source, out_dir)
    before, after = (next(read_frames(path, 64, 48)).astype(int) for path in (source, outputs.video))
    assert probe_video(outputs.video).pix_fmt == "yuv420p"
    assert abs(before - after).mean() < 6
    assert numbers(outputs.video) == list(range(50))


def test_a_high_dynamic_range_becomes_an_ordinary_one(tmp_path, out_dir):
    hdr = [
        "-color_trc",
        "smpte2084",
        "-color_primaries",
        "bt2020",
        "-colorspace",
        "bt2020nc",
        "-pix_fmt",
        "yuv420p10le",
    ]
    source = made.clip(tmp_path / "clip.mkv", options=["-c:v", "libx265", "-x265-params", "log-level=none", *hdr])
    assert probe_video(source).is_hdr
    outputs = converted(source, out_dir)
    assert probe_video(outputs.video).transfer == "bt709"
    assert outputs.frames == 50


def test_interlaced_pictures_become_whole_ones(tmp_path, out_dir):
    fields = ["-vf", "tinterlace=interleave_top,setfield=tff", "-flags", "+ildct+ilme"]
    source = made.clip(tmp_path / "clip.mov", fps="50", options=[*fields, "-r", "25"])
    assert probe_video(source).interlaced
    outputs = converted(source, out_dir)
    assert (outputs.frames, outputs.encoded) == (25, True)
    assert not probe_video(outputs.video).interlaced


def test_a_clip_that_lost_its_end_is_converted_as_far_as_it_goes_and_says_what_is_missing(tmp_path, out_dir):
    outputs = converted(made.truncated(tmp_path / "cut.mp4"), out_dir)
    assert outputs.frames == outputs.source_frames
    assert outputs.frames + outputs.lost_frames == 50
    assert outputs.lost_frames > 10
    assert numbers(outputs.video) == list(range(outputs.frames))
    assert f"{outputs.lost_frames} of the 50 frames that 'cut.mp4' promises" in outputs.doubts[0].message


def test_a_cut_matroska_is_noticed_by_its_duration(tmp_path, out_dir):
    whole = made.silent(tmp_path / "cut.mkv")
    whole.write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])
    outputs = converted(whole, out_dir)
    assert outputs.lost_frames == pytest.approx(50 - outputs.frames, abs=2)
    assert "are missing" in outputs.doubts[0].message


def test_frames_that_an_edit_list_hides_are_not_missed(tmp_path, out_dir):
    whole, trimmed = made.silent(tmp_path / "whole.mp4"), tmp_path / "trimmed.mp4"
    subprocess.run(["ffmpeg", "-v", "error", "-ss", "0.5", "-i", whole, "-c", "copy", trimmed], check=True)
    outputs = converted(trimmed, out_dir)
    assert outputs.lost_frames == 0
    assert outputs.doubts == ()
    assert numbers(outputs.video)[0] == pytest.approx(12, abs=1)


@pytest.mark.parametrize("maker", [made.headless, made.garbage, made.sound_only, made.cover_only, made.tone])
def test_what_is_no_video_is_refused_by_name(tmp_path, out_dir, maker):
    with pytest.raises(MediaError, match=r"thing\.wav"):
        converted(maker(tmp_path / "thing.wav" if maker is made.tone else tmp_path / "thing.wav.mp4"), out_dir)
    assert not list(out_dir.glob("*.mp4"))


@pytest.mark.parametrize("maker", [made.playlist, made.concat_script])
def test_a_text_that_names_another_file_opens_no_other_file(tmp_path, out_dir, maker):
    secret = made.clip(tmp_path / "secret.mp4")
    with pytest.raises(MediaError, match="trap"):
        converted(maker(tmp_path / "trap.mp4", secret), out_dir)


def test_a_promise_of_billions_of_frames_is_not_counted_one_by_one(tmp_path, out_dir, monkeypatch):
    info = dataclasses.replace(probe_video(made.clip(tmp_path / "clip.mp4")), frames=10**12)
    monkeypatch.setattr(convert, "probe_video", lambda path: dataclasses.replace(info, path=path))
    assert converted(tmp_path / "clip.mp4", out_dir).encoded


def test_pictures_that_lie_too_far_apart_are_not_filled_up(tmp_path, out_dir, monkeypatch):
    assert converted(made.far_apart(tmp_path / "clip.mkv", 3), out_dir).frames == 125
    for module in (convert, transcode):
        monkeypatch.setattr(module, "MAX_DURATION_S", 4)
    with pytest.raises(MediaError, match="lie more than 4 s apart"):
        converted(tmp_path / "clip.mkv", tmp_path / "again")


def test_a_file_that_a_video_refers_to_is_not_opened(tmp_path, out_dir):
    secret = made.clip(tmp_path / "secret.mp4", n_frames=30, sounds=0)
    with pytest.raises(MediaError, match=r"clip\.mov"):
        converted(made.external(tmp_path / "clip.mov", secret), out_dir)


@pytest.mark.parametrize("name", made.AWKWARD_NAMES)
def test_a_name_is_only_a_name(tmp_path, out_dir, name):
    source = made.clip(tmp_path / name, n_frames=10, fps="24", sounds=0)
    assert converted(source, out_dir, preset="ultrafast").source_frames == 10
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([name, "out"])


def test_the_same_source_gives_the_same_bytes(tmp_path):
    source = made.clip(tmp_path / "clip.mkv", size=(320, 240), options=["-c:a", "pcm_s16le"])
    one, other = (converted(source, tmp_path / name, preset="medium").video for name in ("one", "other"))
    assert sha256(one) == sha256(other)


@pytest.mark.skipif(len(os.sched_getaffinity(0)) < 2, reason="needs two cores")
@pytest.mark.parametrize("options", [["-pix_fmt", "yuv422p10le"], ["-vf", "setsar=2,interlace"], ["-s", "321x241"]])
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


def test_progress_ends_at_the_number_of_source_frames(tmp_path, out_dir):
    said = []
    inputs = convert.Inputs(source=made.clip(tmp_path / "clip.mp4", fps="24"), out_dir=out_dir)
    convert.run(inputs, convert.Params(), report=lambda done, total: said.append((done, total)))
    assert said[-1] == (50, 50)
    assert said == sorted(said)


def test_cuda_without_nvenc_fails_and_cpu_never_looks(tmp_path, out_dir, monkeypatch):
    looked = []
    monkeypatch.setattr(encoders, "nvenc_problem", lambda *size: looked.append(size) or "no NVENC in this test")
    source = made.clip(tmp_path / "clip.mp4", fps="24")
    with pytest.raises(EngineUnavailable, match="no NVENC in this test"):
        converted(source, out_dir, device="cuda")
    assert looked == [(64, 48)]
    assert converted(source, out_dir, device="cpu").engine == "libx264"
    assert looked == [(64, 48)]


@pytest.mark.gpu
def test_nvenc_encodes_the_same_frames(tmp_path, out_dir):
    if problem := encoders.nvenc_problem(320, 240):
        pytest.skip(problem)
    source = made.clip(tmp_path / "clip.mp4", size=(320, 240), fps="24")
    outputs = converted(source, out_dir, device="cuda")
    assert (outputs.engine, outputs.device, outputs.fallback) == ("h264_nvenc", "cuda", None)
    assert numbers(outputs.video) == numbers(converted(source, tmp_path / "cpu", device="cpu").video)


def test_parameters_out_of_range_are_refused():
    with pytest.raises(ValidationError, match="crf"):
        convert.Params(crf=52)


def test_verify_refuses_a_video_that_is_not_what_was_promised(tmp_path, out_dir):
    inputs = convert.Inputs(source=made.clip(tmp_path / "clip.mp4"), out_dir=out_dir)
    outputs = convert.run(inputs, convert.Params())
    with pytest.raises(BrokenOutput, match="49 frames"):
        convert.verify(inputs, outputs.model_copy(update={"frames": 49}))
    with pytest.raises(BrokenOutput, match="2 tracks"):
        convert.verify(inputs, outputs.model_copy(update={"audio_tracks": 2}))
    os.truncate(outputs.small, 49 * thumbnails.FRAME_BYTES)
    with pytest.raises(BrokenOutput, match="not those of 50 frames"):
        convert.verify(inputs, outputs)


def test_a_finished_step_is_read_back_as_it_was(tmp_path, out_dir):
    outputs = converted(made.clip(tmp_path / "clip.mp4"), out_dir)
    assert Step(convert).outputs(out_dir) == outputs


def test_convert_to_publishes_under_the_stem_and_leaves_nothing_else(tmp_path):
    source = made.clip(tmp_path / "my clip.mov", fps="24")
    done = convert.convert_to(source, tmp_path / "to")
    assert done == convert.Converted("ok", "50 frames became 52, by libx264", tmp_path / "to/my clip.mp4")
    assert [path.name for path in (tmp_path / "to").iterdir()] == ["my clip.mp4"]
    assert convert.convert_to(source, tmp_path / "to") == done, "a second time is no conflict"


def test_convert_to_says_when_it_got_only_a_part(tmp_path):
    done = convert.convert_to(made.truncated(tmp_path / "cut.mp4"), tmp_path / "to")
    assert done.outcome == "partial"
    assert "promises" in done.message
    assert probe_video(done.output).frames


def test_convert_to_refuses_what_is_no_video_and_leaves_nothing(tmp_path):
    done = convert.convert_to(made.garbage(tmp_path / "clip.mp4"), tmp_path / "to")
    assert (done.outcome, done.output) == ("refused", None)
    assert list((tmp_path / "to").iterdir()) == []


def test_convert_to_never_overwrites_its_own_source_nor_another_video(tmp_path):
    source = made.clip(tmp_path / "clip.mp4", fps="24")
    before = sha256(source)
    assert convert.convert_to(source, tmp_path).outcome == "refused"
    assert sha256(source) == before
    assert [path.name for path in tmp_path.iterdir()] == ["clip.mp4"]


def test_what_convert_to_publishes_is_not_the_original_under_another_name(tmp_path):
    source = made.clip(tmp_path / "clip.mp4")
    done = convert.convert_to(source, tmp_path / "to")
    assert sha256(done.output) == sha256(source)
    assert not done.output.samefile(source)


@pytest.mark.skipif(not SINTEL.is_file(), reason="needs ../shared/media")
def test_a_trailer_at_24_fps_keeps_its_pace(tmp_path, out_dir):
    five_s = tmp_path / "trailer.mp4"
    subprocess.run(["ffmpeg", "-v", "error", "-i", SINTEL, "-t", "5", "-c", "copy", five_s], check=True)
    outputs = converted(five_s, out_dir, preset="ultrafast")
    assert outputs.frames == pytest.approx(outputs.source_frames * 25 / 24, abs=1)
    assert (outputs.width, outputs.height, outputs.lost_frames, outputs.doubts) == (1280, 720, 0, ())
