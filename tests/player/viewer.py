"""Somebody before the player, on any page, and a finished video to look at."""

import shutil
from io import BytesIO
from pathlib import Path

import numpy as np
from PIL import Image
from playwright.sync_api import Page, expect

from tests import finished, sample_media
from tests.waiting import wait_until
from vidlib import Workspace
from vidlib.settings import Settings

CUES = [(0.0, 0.8, "Guten Abend."), (0.85, 1.1, "Ja & nein.")]
DOUBTS = [
    {"message": "is this a cut?", "frame": 41, "confidence": 0.4, "kind": "boundary"},
    {"message": "is there a cut?", "frame": 10, "confidence": 0.5, "kind": "missed boundary"},
]


def finished_talk(folder: Path, video: Path) -> dict[str, Path]:
    """All steps of a `sample_media.clip` below ``folder``, with words and two items to check."""
    folders = finished.all_steps(folder, video=video, cues=CUES)
    finished.finish(folders["scenes"], shots="shots.json", csv="shots.csv", n_shots=3, doubts=DOUBTS)
    return folders


class Viewer:
    """Somebody before the player on ``page``."""

    def __init__(self, page: Page):
        self.page = page
        self.root = page.locator(".vp")
        expect(self.root).to_have_attribute("data-frame", "0")
        self.root.focus()

    def press(self, *keys: str) -> None:
        for key in keys:
            self.page.keyboard.press(key)

    def sees(self, frame: int) -> None:
        """The player says ``frame``, in three ways, and the picture on the screen is the one with this number."""
        expect(self.root).to_have_attribute("data-frame", str(frame))
        expect(self.page.locator(".vp-number")).to_have_text(f"{frame} / {sample_media.N_FRAMES}")
        expect(self.page.locator(".vp-clock")).to_have_text(f"00:00:{frame // 25:02}:{frame % 25:02}")
        wait_until(lambda: self.burnt_in() == frame)

    def burnt_in(self) -> int:
        """The number in the picture on the screen."""
        png = self.page.locator(".vp-picture").screenshot()
        return sample_media.frame_number(np.asarray(Image.open(BytesIO(png)).convert("RGB")))

    def click_frame(self, frame: int, lane: str) -> None:
        """Click the middle of ``frame`` in the lane with this name."""
        canvas = self.page.locator(".vp-space canvas").bounding_box()
        label = self.page.locator(".vp-label", has_text=lane).first.bounding_box()
        assert canvas and label
        x = canvas["x"] + (frame + 0.5) / sample_media.N_FRAMES * canvas["width"]
        self.page.mouse.click(x, label["y"] + label["height"] / 2)

    @property
    def status(self):
        return self.page.locator(".vp-status")


def moves_frame_by_frame(viewer: Viewer) -> None:
    """The same everywhere: the item to check, single frames, shots, and a click on the time axis."""
    viewer.press("n")
    viewer.sees(41)
    expect(viewer.status).to_contain_text("1 of 2: is this a cut?")
    viewer.press("ArrowRight", "ArrowRight")
    viewer.sees(43)
    viewer.press("ArrowLeft")
    viewer.sees(42)
    viewer.press("Shift+S")
    viewer.sees(41)
    viewer.press("Shift+S")
    viewer.sees(20)
    viewer.click_frame(7, "SPEAKER_00")
    viewer.sees(7)
    expect(viewer.page.locator(".vp-chosen")).to_contain_text("SPEAKER_00")


def corrects_by_keyboard(viewer: Viewer, home: Settings) -> None:
    """Six corrections, one that does not fit, and an undo: shown at once, and saved."""
    here, lanes = viewer.page.locator(".vp-here"), viewer.page.locator(".vp-label")
    items = viewer.page.locator(".vp-items button")
    viewer.press("n", "n")
    viewer.sees(41)
    viewer.press("t", "c")
    expect(viewer.status).to_have_text("Saved: the shot at frame 41 begins with a cut. Undo: z")
    expect(here).to_contain_text("cut at 41, 1.00")
    expect(items).to_have_count(1)  # what was answered is no longer asked
    viewer.press("ArrowRight", "ArrowRight", "ArrowRight")
    viewer.sees(44)
    viewer.press("m")
    expect(here).to_contain_text("Shot 3 of 3cut at 44, 1.00")
    viewer.press("c")
    expect(viewer.status).to_contain_text("Not saved: a shot begins at frame 44 already")
    viewer.press("Home", "f", "y")
    expect(here).to_contain_text("Person 1face 1, speaks")
    viewer.press("n")
    viewer.sees(10)
    viewer.press("a")
    expect(items).to_have_count(0)
    viewer.press("h", "w")
    expect(viewer.status).to_have_text("Saved: the window of this shot shows the whole picture. Undo: z")
    viewer.press("f", "r")
    viewer.page.keyboard.type("Anna Berg")
    viewer.press("Enter")
    expect(viewer.page.locator(".vp header")).to_contain_text("6 decisions by a person")
    expect(lanes.get_by_text("Anna Berg")).to_have_count(2)  # the speaker and the person
    viewer.press("z")
    expect(lanes.get_by_text("Anna Berg")).to_have_count(0)
    known = Workspace(home.workspace).open("talk").corrections
    assert known.action.tolist() == ["set-kind", "move-cut", "speaking", "confirm", "framing", "name", "undo"]
    assert known.state.tolist() == ["pending", "pending", "pending", "applied", "applied", "undone", "applied"]
    shutil.rmtree(home.corrections)
