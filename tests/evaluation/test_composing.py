"""Composed films: what is planned, what is drawn, and that the truth says so."""

from itertools import pairwise
from pathlib import Path
from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.composing import camera, drawing, film
from benchmarks.composing.anywhere import anywhere
from benchmarks.composing.material import Clip, Material, clips_of, material
from benchmarks.composing.plan import EFFECTS, PlannedShot, plan
from benchmarks.composing.sound import speech
from tests import evaluated, sample_media
from vidlib.errors import UsageError
from vidlib.evaluation import ground_truth
from vidlib.media.audio import read_waveform
from vidlib.media.frames import read_frames
from vidlib.media.probe import probe_video
from vidlib.results.exports import rttm

HALF, CLOSE = (20, 130, 600, 480), (100, 0, 1080, 720)


def clip(speaker: str = "", panel: tuple[int, int, int, int] = CLOSE, **more: bool) -> Clip:
    return Clip(Path("film.mp4"), 0, 60, panel, speaker, **more)


MATERIAL = Material(
    size=(1280, 720),
    talkers=tuple(clip(who, talks=True, lips_move=True) for who in "ABCD"),
    listeners=tuple(clip(who, HALF) for who in "AB"),
    footage=(clip(panel=(0, 0, 1280, 720)),),
)

seeds = st.integers(0, 500)


@given(seeds)
def test_the_same_seed_plans_the_same_film_and_every_difficulty_is_in_it(seed):
    shots = plan(MATERIAL, seed)
    assert shots == plan(MATERIAL, seed)
    assert {shot.kind for shot in shots} == {"close", "medium", "two", "wide", "broll"}
    assert {shot.effect for shot in shots} == {"", *EFFECTS}
    assert [shot.transition for shot in shots].count("dissolve") == 3
    assert [shot.transition for shot in shots].count("black") == 2
    silent = [one for shot in shots for scene in shot.scenes for one in scene.placed if not one.speaking]
    assert any(one.clip.lips_move for one in silent)
    assert any(not one.clip.lips_move for one in silent)


@given(seeds)
def test_pairs_are_two_people_framed_alike_with_a_cut_between(seed):
    pairs = [(a, b) for a, b in pairwise(plan(MATERIAL, seed)) if b.joined]
    assert len(pairs) == 2
    for a, b in pairs:
        (one,), (other,) = a.scenes[0].placed, b.scenes[0].placed
        assert (b.transition, one.left, one.top) == ("cut", other.left, other.top)
        assert one.clip.speaker != other.clip.speaker


def keeps_to_its_material(shots: list[PlannedShot]) -> bool:
    """No clip is asked for more than it has, every panel lies in the picture, no transition outlasts its shot."""
    tails = [after.length if after.transition == "dissolve" else 0 for _, after in pairwise(shots)] + [0]
    ends = all(shot.scenes[-1].frames + tail <= shot.scenes[-1].most for shot, tail in zip(shots, tails, strict=True))
    scenes = [scene for shot in shots for scene in shot.scenes]
    placed = [one for scene in scenes for one in scene.placed]
    return (
        ends
        and all(0 < scene.frames <= scene.most for scene in scenes)
        and all(shot.length <= shot.frames for shot in shots)
        and all(one.left >= 0 and one.left + one.width <= 1280 for one in placed)
        and all(one.top >= 0 and one.top + one.height <= 720 for one in placed)
    )


@given(seeds)
def test_a_plan_keeps_to_its_material(seed):
    assert keeps_to_its_material(plan(MATERIAL, seed))


def test_so_does_the_film_that_can_be_had_anywhere(monkeypatch, tmp_path):
    monkeypatch.setattr("vidlib.demo.source_folder", lambda: tmp_path)
    material, shots = anywhere()
    assert keeps_to_its_material(shots)
    assert {shot.transition for shot in shots} == {"start", "cut", "dissolve", "black"}
    voices = [scene.voice for shot in shots for scene in shot.scenes if scene.voice]
    assert all(scene.frames <= scene.voice.frames for shot in shots for scene in shot.scenes if scene.voice)
    assert len({voice.speaker for voice in voices}) == 2
    assert material.size == (1280, 720)


@given(seeds, st.sampled_from(["", *EFFECTS]), st.integers(34, 90))
def test_the_camera_keeps_the_face_that_it_shows_in_view(seed, effect, n_frames):
    panel = (160, 40, 560, 448)
    views, event = camera.views(effect, n_frames, (440, 264), Random(seed))
    assert len(views) == n_frames
    assert set(event) <= set(range(n_frames))
    for view in views:
        left, top, width, height = view.of(panel, (1280, 720))
        assert left >= 0 <= top
        assert left + width <= 1280
        assert top + height <= 720
        assert width * height >= 0.9 * 560 * 448 * view.scale**2


def test_a_moved_picture_shows_the_panel_where_the_truth_says():
    scene = np.zeros((72, 128, 3), np.uint8)
    scene[20:40, 30:60] = 200
    view = camera.View(scale=1.5, dx=-20, dy=4)
    left, top, width, height = view.of((30, 20, 30, 20), (128, 72))
    bright = np.argwhere(view.take(scene)[..., 0] > 150)
    assert np.allclose(bright.min(axis=0), (top, left), atol=1)
    assert np.allclose(bright.max(axis=0) + 1, (top + height, left + width), atol=1)


def test_speech_is_what_is_loud_and_pauses_of_a_third_of_a_second_end_it():
    noise = np.random.default_rng(0).normal(0, 1, 32_000).astype(np.float32)
    loud = np.full(32_000, 0.001, np.float32)
    loud[4_800:11_200] = loud[12_800:16_000] = 0.2  # 0.3 to 0.7 s; a pause of 0.1 s; 0.8 to 1.0 s
    loud[25_600:28_800] = 0.2  # 1.6 to 1.8 s
    assert speech(noise * loud) == [(0.3, 1.0), (1.6, 1.8)]
    assert speech(np.zeros(0, np.float32)) == []


@pytest.fixture
def tiny(tmp_path: Path) -> Material:
    """Of a film of 64x48 pixels: one talker, in its left half, and its whole picture as footage."""
    path = sample_media.clip(tmp_path / "source.mp4", n_frames=50, cuts=())
    talker = Clip(path, 0, 40, (0, 0, 32, 48), "A", talks=True, lips_move=True)
    return Material(sample_media.SIZE, (talker,), (), (Clip(path, 5, 40, (0, 0, *sample_media.SIZE)),))


def test_a_clip_begins_with_the_frame_that_is_meant(tiny):
    pictures = tiny.footage[0].pictures()
    assert [sample_media.frame_number(picture) for picture in pictures[:3]] == [5, 6, 7]
    assert pictures.shape == (40, 48, 64, 3)


@pytest.mark.slow
def test_a_film_has_the_frames_and_sound_that_its_truth_says(tiny, tmp_path, monkeypatch):
    from benchmarks.composing.plan import Placed, Scene

    alone = Scene(20, (Placed(tiny.talkers[0], 16, 0, 32, True),), tiny.talkers[0])
    shots = [
        PlannedShot("close", (alone,), transition="start"),
        PlannedShot("broll", (Scene(20, (), None, tiny.footage[0]),), transition="dissolve", length=8),
        PlannedShot("close", (alone,), "flash"),
        PlannedShot("close", (alone,), transition="black", length=6),
    ]
    monkeypatch.setattr(film, "plan", lambda *_: shots)
    video, truth_file, voices = film.compose(tiny, 3, tmp_path / "films")
    known = ground_truth.read(truth_file)
    assert (video.name, truth_file.name, voices.name) == ("film-3.mp4", "film-3.truth.json", "film-3.rttm")
    assert (known.frames, len(list(read_frames(video, 64, 48)))) == (80, 80)
    assert [(s.start, s.full, s.transition) for s in known.shots] == [
        *((0, 0, "start"), (20, 28, "dissolve"), (40, 40, "cut"), (60, 66, "black")),
    ]
    assert [(event.kind, event.start, event.stop) for event in known.events] == [("flash", 50, 52)]
    assert [len(moment.part.faces) for moment in known.moments()][48:54] == [1, 1, 0, 0, 1, 1]
    assert {turn.speaker for turn in rttm.read(voices)} == {"A"}
    heard = read_waveform(video)
    assert abs(heard[16_000:24_000]).max() < 0.01 < abs(heard[:11_000]).max()
    assert probe_video(video).fps == 25


def test_too_little_material_is_said(tmp_path):
    with pytest.raises(UsageError, match="has 1 people who talk"):
        material(tmp_path / "film.mp4", evaluated.TRUTH)


def test_what_can_be_taken_out_of_a_film_leaves_transitions_out():
    big = evaluated.TRUTH.model_copy(update={"events": ()})
    clips = [(c.start, c.frames, c.speaker, c.talks) for c in clips_of(Path("f"), big)]
    assert clips == [
        (0, 60, "A", True),
        (60, 40, "A", True),
        (60, 40, "B", False),
        (100, 30, "A", False),
        (100, 30, "B", True),
        (140, 20, "", False),
        (180, 20, "A", False),
    ]


def test_pictures_are_shown_to_and_fro():
    assert drawing.to_and_fro(5, 1) == 0
