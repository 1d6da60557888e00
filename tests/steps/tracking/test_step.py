"""The step on a drawn video; its truth:

frames 0 to 29   one face that moves right and talks, with sound
frames 30 to 49  nobody, silence
frames 50 to 99  two faces whose mouths move; the left one's with the sound, the right one's in its pauses
"""

import os
from collections.abc import Iterator
from contextlib import nullcontext
from hashlib import blake2b
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from pydantic import ValidationError

from tests import drawn
from vidlib import vault
from vidlib.engines import active_speaker
from vidlib.engines.faces import landmarks
from vidlib.errors import BrokenOutput, EngineUnavailable, GpuFailed
from vidlib.files import sha256
from vidlib.geometry import Detections
from vidlib.machine import commands
from vidlib.media import ffmpeg
from vidlib.media.frames import read_frames, read_stills
from vidlib.protocols import FaceLandmarks
from vidlib.results.exports import people_json, rttm, shots_json, speech_table, tracking_table
from vidlib.settings import settings
from vidlib.steps import tracking
from vidlib.steps.base import Manifest, Step
from vidlib.steps.tracking import video_tracker
from vidlib.timeline import Shot, Span, Turn
from vidlib.tracking.sound_offset import SoundOffset

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("warm_models")]

SHARED = Path(__file__).parents[3] / "../shared"
FILM, MODELS = SHARED / "media/film.mp4", SHARED / "models"
N_FRAMES = 100
SHOTS = (Span(0, 30), Span(30, 50), Span(50, 100))
EMPTY = drawn.backdrop(320, 240)
FIND_LANDMARKS = landmarks._find


def is_loud(frame: int) -> bool:
    return frame < 30 or (frame >= 50 and frame % 20 < 12)


def draw(frame: int, talks: bool = True) -> np.ndarray:
    """Anna talks; nobody; Bert talks while Anna moves her lips when nothing is heard."""
    open_now = 1.0 if talks and frame % 4 < 2 else 0.0
    if frame < 30:
        return drawn.add_face(EMPTY, 120 + 2 * frame, 115, 50, open_now)
    if frame < 50:
        return EMPTY
    left = drawn.add_face(EMPTY, 80, 115, 45, open_now * is_loud(frame), drawn.BERT)
    return drawn.add_face(left, 240, 115, 45, open_now * (not is_loud(frame)))


def write_speech(folder: Path, labels: list[str | None]) -> dict[str, Path]:
    """The outputs of the audio step for one speaker, or none, in each frame: a table, and the turns."""
    folder.mkdir(parents=True, exist_ok=True)
    turns = [
        Turn(group[0] / 25, (group[-1] + 1) / 25, label)
        for label, frames in groupby(range(len(labels)), key=labels.__getitem__)
        if (group := list(frames)) and label
    ]
    table = speech_table.write(folder / "speech.parquet", len(labels), [], turns)
    return {"speech": table, "turns": rttm.write(folder / "speech.rttm", turns)}


@pytest.fixture(scope="module", autouse=True)
def remembered_landmarks() -> Iterator[None]:
    """Landmarks are found once in each view of a face: nearly all videos here show the same pictures."""
    known = {}

    def remembered(request: Any, view: tuple[np.ndarray, np.ndarray, float]) -> FaceLandmarks | None:
        picture, box, roll = view
        key = blake2b(picture).digest(), box.tobytes(), roll
        if key not in known:
            known[key] = FIND_LANDMARKS(request, view)
        return known[key]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(landmarks, "_find", remembered)
        yield


@pytest.fixture(scope="module")
def inputs(tmp_path_factory) -> dict:
    folder = tmp_path_factory.mktemp("inputs")
    labels = ["SPEAKER_00"] * 30 + [None] * 20 + ["SPEAKER_01"] * 50
    return {
        "video": drawn.clip(folder / "video.mp4", N_FRAMES, draw, is_loud),
        "frames": N_FRAMES,
        "shots": shots_json.write(folder / "shots.json", [Shot(span) for span in SHOTS], engine="drawn"),
        **write_speech(folder, labels),
    }


@pytest.fixture(scope="module")
def progress() -> list[tuple[float, float]]:
    """The progress that the run behind `outputs` reported."""
    return []


@pytest.fixture(scope="module")
def outputs(warm_models, inputs, progress, tmp_path_factory) -> tracking.Outputs:
    given = tracking.Inputs(**inputs, out_dir=tmp_path_factory.mktemp("outputs"))
    params = tracking.Params(speaking="movement")
    return tracking.run(given, params, report=lambda done, total: progress.append((done, total)))


@pytest.fixture(scope="module")
def rows(outputs):
    return tracking_table.read(outputs.tracks)


def tracked(inputs: dict, out_dir: Path, **params) -> tracking.Outputs:
    given = tracking.Params(**{"speaking": "movement"} | params)
    return tracking.run(tracking.Inputs(**inputs, out_dir=out_dir), given)


def test_every_face_is_found_in_every_frame(rows, outputs):
    found = rows.groupby("frame").size().reindex(range(1, N_FRAMES + 1), fill_value=0)
    assert found.tolist() == [1] * 30 + [0] * 20 + [2] * 50
    assert (outputs.n_tracks, outputs.n_faces, outputs.n_frames) == (3, 3, N_FRAMES)
    assert outputs.face_coverage == 0.8


def test_every_shot_has_a_key_frame(inputs, outputs):
    keyframes = np.array([np.asarray(Image.open(file)) for file in outputs.key_frames]).astype(int)
    assert np.abs(keyframes - read_stills(inputs["video"], [15, 40, 75], 320, 240)).mean(axis=(1, 2, 3)).max() < 3


def test_boxes_follow_a_face_between_detections(rows):
    first = rows[rows.track_id == 1]
    assert np.abs(first.centroid_x - (120 + 2 * np.arange(30))).max() < 4


def test_no_track_crosses_from_one_shot_to_the_next(rows):
    assert rows.groupby("track_id").shot.nunique().max() == 1
    for number, span in enumerate(SHOTS, 1):
        assert rows[rows["shot"] == number].frame.between(span.start + 1, span.stop).all()


def test_faces_have_blendshapes_in_nearly_every_frame(rows, outputs):
    assert rows.jawOpen.notna().mean() == pytest.approx(outputs.landmark_coverage)
    assert outputs.landmark_coverage > 0.9
    assert rows.jawOpen.max() > 0.15


def test_the_face_that_moves_with_the_sound_speaks_and_each_has_its_label_in_all_shots(rows):
    tracks = rows.groupby("track_id")
    # which of the two that appear together has the lower number depends on the CPU: their places tell which is which
    alone, left, right = (1, *tracks.centroid_x.mean()[[2, 3]].sort_values().index)
    assert tracks.speaker.first().fillna("")[[alone, left, right]].tolist() == [
        "SPEAKER_00",
        "SPEAKER_01",
        "SPEAKER_00",
    ]
    speaks = tracks.is_speaking.mean()
    assert speaks[alone] > 0.9 and speaks[left] > 0.8 and speaks[right] < 0.2


def test_a_face_in_two_shots_is_one_person_with_one_label(rows, outputs):
    people = people_json.read(outputs.people)
    places = rows.groupby("track_id").centroid_x.mean()
    left, right = places[[2, 3]].sort_values().index
    summaries = [(set(person.tracks), person.voice, person.frames) for person in people]
    assert summaries == [({1, right}, "SPEAKER_00", 80), ({left}, "SPEAKER_01", 50)]
    assert outputs.n_people == 2


def test_a_label_that_is_heard_amid_the_speech_of_a_face_is_corrected(inputs, tmp_path):
    labels = ["A"] * 30 + [None] * 20 + ["B"] * 18 + ["A"] * 10 + ["B"] * 22
    outputs = tracked(inputs | write_speech(tmp_path / "heard", labels), tmp_path / "out")
    assert [turn.speaker for turn in rttm.read(outputs.turns)] == ["A", "B", "B", "B"]
    speakers = speech_table.read(outputs.speech)["speakers"].to_pylist()
    assert speakers == [["A"]] * 30 + [[]] * 20 + [["B"]] * 50
    assert outputs.n_corrected == 1
    assert [doubt.frame for doubt in outputs.doubts if "was heard where face" in doubt.message] == [68]


def test_turns_keep_their_labels_where_no_face_contradicts(inputs, outputs):
    assert outputs.n_corrected == 0
    assert sha256(outputs.speech) == sha256(inputs["speech"])
    assert rttm.read(outputs.turns) == rttm.read(inputs["turns"])


def test_speech_that_no_visible_face_speaks_is_doubted(inputs, tmp_path):
    still = drawn.clip(tmp_path / "still.mp4", N_FRAMES, lambda frame: draw(frame, talks=False), is_loud)
    outputs = tracked(inputs | {"video": still}, tmp_path / "out")
    assert sorted(doubt.frame for doubt in outputs.doubts if doubt.kind == "unseen speech") == [0, 50]


@pytest.mark.parametrize("late", [8, -8])
def test_a_face_speaks_at_the_same_pictures_where_the_sound_is_late_or_early(inputs, rows, tmp_path, monkeypatch, late):
    labels = ["SPEAKER_00"] * 30 + [None] * 20 + ["SPEAKER_01"] * 50
    labels = [labels[min(max(0, frame - late), N_FRAMES - 1)] for frame in range(N_FRAMES)]
    video = drawn.clip(tmp_path / "video.mp4", N_FRAMES, draw, lambda frame: is_loud(frame - late))
    monkeypatch.setattr(SoundOffset, "frames", lambda _: late)  # which takes a longer video to measure
    shifted = inputs | {"video": video} | write_speech(tmp_path, labels)
    decoded = []
    monkeypatch.setattr(video_tracker, "read_frames", lambda *a, **kw: decoded.append(a) or read_frames(*a, **kw))

    outputs = tracked(shifted, tmp_path / "outputs")

    found = tracking_table.read(outputs.tracks)
    assert (found.track_id == rows.track_id).all()
    inner = found.frame.between(20, 80)
    assert (found.is_speaking == rows.is_speaking)[inner].mean() > 0.98
    assert rttm.read(outputs.turns) == rttm.read(shifted["turns"]), "the turns stay where they are heard"
    assert len(decoded) == 1, "the pictures are looked at once"
    said = {8: "the sound is 0.32 s late", -8: "the sound is 0.32 s early"}[late]
    assert outputs.sound_offset_frames == late
    assert any(item.message.startswith(said) for item in outputs.doubts)


def test_faces_below_the_least_height_are_dropped(inputs, tmp_path):
    assert tracked(inputs, tmp_path / "out", min_face_px=200, detect_every=25).n_tracks == 0


def test_one_core_gives_the_same_bytes_as_all(inputs, outputs, tmp_path, monkeypatch):
    monkeypatch.setattr(landmarks, "_find", FIND_LANDMARKS)
    cores = os.sched_getaffinity(0)
    try:
        os.sched_setaffinity(0, {min(cores)})
        alone = tracked(inputs, tmp_path / "out")
    finally:
        os.sched_setaffinity(0, cores)
    assert sha256(alone.tracks) == sha256(outputs.tracks)


def test_progress_is_reported_at_least_once_a_second_to_the_end(outputs, progress):
    done = [frame for frame, of in progress if of == N_FRAMES]
    assert len(done) == len(progress)
    assert done[-1] == N_FRAMES
    assert np.diff([0, *done]).min() > 0 and np.diff([0, *done]).max() <= 25


def test_outputs_name_engines_device_and_weights(outputs):
    assert outputs.engine.startswith("CenterFace on OpenVINO")
    assert (outputs.device, outputs.fallback) == ("cpu", None)  # None: what was asked for runs
    manifest = Manifest.read(outputs.tracks.parent)
    assert set(manifest.weights) == {"centerface", "face_embedding", "face_landmarker", "object_detector"}


def test_the_object_detector_counts_only_where_it_is_used(inputs, tmp_path):
    step, given = Step(tracking), tracking.Inputs(**inputs, out_dir=tmp_path)
    assert "object_detector" not in step.ingredients(given, tracking.Params(objects="never"))["weights"]


@pytest.mark.parametrize("change", ["shots", "speech"])
def test_inputs_that_do_not_fit_each_other_are_refused(inputs, tmp_path, change):
    wrong = {
        "shots": shots_json.write(tmp_path / "shots.json", [Shot(Span(0, 99))], engine="drawn"),
        **write_speech(tmp_path, [None] * 99),
    }
    with pytest.raises(BrokenOutput):
        tracked(inputs | {change: wrong[change]}, tmp_path / "out", min_face_px=200, detect_every=25)
    assert not (tmp_path / "out/tracking.parquet").exists()


@pytest.mark.parametrize("frames", [95, 105])
def test_a_video_with_another_number_of_frames_is_refused(inputs, tmp_path, frames):
    wrong = {
        "frames": frames,
        "shots": shots_json.write(tmp_path / "shots.json", [Shot(Span(0, frames))], engine="drawn"),
        **write_speech(tmp_path, [None] * frames),
    }
    with pytest.raises(BrokenOutput, match=f"frames.* {frames} expected|expected {frames}"):
        tracked(inputs | wrong, tmp_path / "out", min_face_px=200, detect_every=25)


def test_a_track_that_crosses_a_cut_is_no_result(inputs, outputs, tmp_path):
    later = [Shot(span) for span in (Span(0, 35), Span(35, 55), Span(55, 100))]
    moved = inputs | {"shots": shots_json.write(tmp_path / "shots.json", later, engine="drawn")}
    with pytest.raises(BrokenOutput, match="outside its frames"):
        tracking.verify(tracking.Inputs(**moved, out_dir=tmp_path), outputs)


def test_a_missing_key_frame_is_no_result(inputs, outputs, tmp_path):
    incomplete = outputs.model_copy(update={"key_frames": outputs.key_frames[:2]})
    with pytest.raises(BrokenOutput, match="3 shots, but there are 2 key frames"):
        tracking.verify(tracking.Inputs(**inputs, out_dir=tmp_path), incomplete)


def test_parameters_out_of_range_are_refused():
    with pytest.raises(ValidationError):
        tracking.Params(detect_every=0)


def test_cuda_fails_where_there_is_none(inputs, tmp_path, monkeypatch):
    monkeypatch.setattr(tracking.faces, "cuda_problem", lambda name: "there is no GPU")
    with pytest.raises(EngineUnavailable, match="there is no GPU"):
        tracked(inputs, tmp_path / "out", device="cuda")


def test_a_gpu_that_fails_in_the_middle_costs_time_and_no_result(inputs, outputs, tmp_path, monkeypatch):
    class Lost:
        """A detector whose GPU fails at the third call."""

        name, n_calls = "lost", 0

        def detect(self, pictures):
            self.n_calls += 1
            if self.n_calls == 3:
                raise GpuFailed("the GPU has fallen off the bus")
            return [Detections(np.zeros((0, 4), np.float32), np.zeros(0, np.float32), ()) for _ in pictures]

    real = tracking.faces.open_detector

    def broken(name, device, *settings):
        return nullcontext(Lost()) if device == "cuda" else real(name, device, *settings)

    monkeypatch.setattr(tracking.faces, "cuda_problem", lambda name: None)
    monkeypatch.setattr(tracking.faces, "open_detector", broken)
    retried = tracked(inputs, tmp_path / "out")
    assert (retried.device, retried.fallback) == ("cpu", "the GPU has fallen off the bus")
    assert sha256(retried.tracks) == sha256(outputs.tracks)
    with pytest.raises(GpuFailed):
        tracked(inputs, tmp_path / "asked", device="cuda")


@pytest.fixture(params=[None, MODELS], ids=["without", "with"])
def has_lr_asd(request, tmp_path, monkeypatch) -> Iterator[bool]:
    """Whether the weights of LR-ASD are on this machine: once they are not, once they are (from ``shared/models``)."""
    if request.param and not (request.param / vault.MODELS[active_speaker.WEIGHTS].file).is_file():
        pytest.skip("the weights of LR-ASD are not there")
    kept = tmp_path / "vault"
    kept.mkdir()
    for entry in settings().vault_dir.iterdir():
        if entry.name != vault.MODELS[active_speaker.WEIGHTS].file:
            (kept / entry.name).symlink_to(entry)
    monkeypatch.setenv("VIDLIB_VAULT_DIR", str(kept))
    monkeypatch.setenv("VIDLIB_MODELS_DIR", str(request.param or tmp_path))
    settings.cache_clear()
    yield request.param is not None
    settings.cache_clear()


def test_lr_asd_runs_by_default_where_its_weights_are_and_the_result_says_so(inputs, tmp_path, has_lr_asd):
    """A result without LR-ASD is another one: it is computed anew where the weights have come."""
    judged = tracked(inputs, tmp_path / "out", speaking="auto")
    assert ("LR-ASD" in judged.engine) == has_lr_asd
    assert (active_speaker.WEIGHTS in Manifest.read(judged.tracks.parent).weights) == has_lr_asd
    assert ("vidlib models fetch" in (judged.fallback or "")) != has_lr_asd


def test_nothing_is_needed_by_default_that_no_package_carries(has_lr_asd):
    needed = {name for name in tracking.weights(tracking.Params()) if not vault.MODELS[name].package}
    assert needed == ({active_speaker.WEIGHTS} if has_lr_asd else set())


def test_a_video_without_sound_has_faces_and_no_speaker_however_mouths_move(inputs, tmp_path):
    mute, copy = tmp_path / "mute.mp4", ["-an", "-c", "copy"]
    commands.run(ffmpeg.command(*ffmpeg.input_args(inputs["video"]), *copy, str(mute)), timeout_s=60)
    silent = {"video": mute, **write_speech(tmp_path, [None] * N_FRAMES)}
    outputs = tracked(inputs | silent, tmp_path / "out", objects="always")
    assert (outputs.n_faces, outputs.speaking_s) == (3, 0)
    assert not [doubt for doubt in outputs.doubts if "speak" in doubt.message or "SPEAKER" in doubt.message]
    assert not tracking_table.read(outputs.tracks).is_speaking.any()


@pytest.mark.skipif(not FILM.is_file(), reason="the film is not there")
def test_a_small_real_face_in_a_wide_shot_is_followed(tmp_path):
    """Frames 492 to 563 of the film: a face of 45 pixels."""
    cut = ["-ss", "19.68", "-frames:v", "72", "-c:v", "libx264", "-preset", "ultrafast", "-crf", "18", "-r", "25"]
    commands.run(ffmpeg.command(*ffmpeg.input_args(FILM), *cut, str(tmp_path / "wide.mp4")), timeout_s=60)
    n = sum(1 for _ in read_frames(tmp_path / "wide.mp4", 64, 36))
    outputs = tracked(
        {
            "video": tmp_path / "wide.mp4",
            "frames": n,
            "shots": shots_json.write(tmp_path / "shots.json", [Shot(Span(0, n))], engine="cut out"),
            **write_speech(tmp_path, ["D"] * n),
        },
        tmp_path / "out",
    )
    assert (outputs.n_faces, outputs.face_coverage) == (1, 1.0)
    assert outputs.landmark_coverage > 0.95
    assert set(tracking_table.read(outputs.tracks).speaker) == {"D"}
