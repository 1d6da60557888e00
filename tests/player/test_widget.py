"""The widget in the kernel: what it answers to the messages of its page."""

from dataclasses import replace

import numpy as np
import pytest

from vidlib.errors import UsageError
from vidlib.player import widget
from vidlib.player.material import Material, framing_columns
from vidlib.player.widget import Player
from vidlib.results.reframing.framing import Area, Framing, Segment


class Decisions:
    """A corrector that names a speaker, and refuses everything else."""

    def __init__(self, material: Material):
        self.material = material

    def correct(self, action, fields):
        if action != "name":
            raise UsageError(f"{action} does not fit")
        return replace(self.material, names={fields["speaker"]: fields["name"]}, decisions=1)

    def undo(self):
        return self.material


@pytest.fixture
def video(home):
    return home.workspace.parent / "talk.mp4"


@pytest.fixture
def player(material, video, monkeypatch):
    """A player whose messages to its page are in ``player.sent``."""
    made = Player(material, video, "", Decisions(material), lambda: "<p>a card</p>")
    made.sent = []
    monkeypatch.setattr(made, "send", lambda message, buffers=(): made.sent.append((message, buffers)))
    return made


def receive(player: Player, **message) -> None:
    player._receive(player, message, [])


def test_a_correction_changes_what_is_shown_and_undo_changes_it_back(player):
    receive(player, id=1, do="correct", action="name", fields={"speaker": "SPEAKER_00", "name": "Anna"})
    assert (player.info["names"], player.info["decisions"]) == ({"SPEAKER_00": "Anna"}, 1)
    receive(player, id=2, do="undo")
    assert (player.info["names"], player.info["decisions"]) == ({}, 0)
    assert [message for message, _ in player.sent] == [{"id": 1, "error": None}, {"id": 2, "error": None}]


def test_a_correction_that_does_not_fit_changes_nothing_and_says_why(player):
    before = player.get_state()
    receive(player, id=7, do="correct", action="split", fields={"track": 1, "frame": 5})
    assert player.sent == [({"id": 7, "error": "split does not fit"}, ())]
    assert player.get_state() == before


def test_a_page_without_a_server_of_videos_gets_the_video_in_pieces(player, video, monkeypatch):
    monkeypatch.setattr(widget, "PIECE_BYTES", 10_000)
    data = b""
    while len(data) < video.stat().st_size:
        receive(player, do="piece", offset=len(data))
        message, (piece,) = player.sent[-1]
        assert message == {"offset": len(data), "total": video.stat().st_size}
        data += piece
    assert data == video.read_bytes()


def test_a_player_without_corrections_takes_none(material, video):
    looking = Player(material, video, "")
    receive(looking, id=1, do="undo")
    assert looking.can_correct is False
    assert looking.info["names"] == {}


def test_the_window_of_another_shape_is_worked_out_when_it_is_asked_for(home, player):
    """What a person decides about a shot changes it at once."""
    decided = []
    picture = Area(0, 0, 160, 90)

    def window():
        still = Framing("static", "middle", picture, (50, 90), 0, (Segment(0, 20, ((0, 80),)),))
        glides = Framing("pan", "faces", picture, (50, 90), 0, (Segment(20, 50, ((20, 30), (49, 100))),))
        return framing_columns(
            [Framing("fit", "person", picture, (50, 90), 0, still.segments) if decided else still, glides]
        )

    shown = Player(player._corrector.material, player._video, "", player._corrector, framing=window)
    assert shown.framing == {}
    receive(shown, do="framing")
    assert rows(shown.framing) == {"frame": [0, 20, 49], "left": [55, 5, 75], "width": [50] * 3, "glides": [0, 1, 0]}
    decided.append(True)
    receive(shown, id=1, do="correct", action="name", fields={"speaker": "SPEAKER_00", "name": "Anna"})
    assert rows(shown.framing)["width"] == [160, 50, 50]


def rows(columns: dict) -> dict[str, list[int]]:
    return {name: np.frombuffer(data, "<i4").tolist() for name, data in columns.items()}
