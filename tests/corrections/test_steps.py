"""Steps apply the decisions of people: to every file that leaves, and to nothing that was there before."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.corrections.analysed import N_FRAMES, Folder, analyse, hashes
from vidlib.corrections.actions import Decision, parse
from vidlib.corrections.anchors import anchor_speaker, anchor_track
from vidlib.results import faces
from vidlib.results.exports import people_json, rttm, shots_csv, shots_json, speech_table, tracking_table
from vidlib.timeline import support

A, B = 5, 6


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path / "a", analyse(A))


class Person:
    """Takes decisions about the results of ``folder``."""

    def __init__(self, folder: Folder):
        outputs = folder.run(())
        self.turns = rttm.read(outputs["tracking"].turns)
        self.faces = faces.read(outputs["tracking"].tracks, outputs["tracking"].people)
        self.shots = shots_json.read(outputs["scenes"].shots)
        self.plain = outputs

    def decide(self, action: str, **fields: Any) -> Decision:
        anchors: dict[str, Any] = {}
        for name in ("speaker", "other"):
            if isinstance(value := fields.get(name), str):
                anchors[f"{name}_at"] = anchor_speaker(self.turns, value)
        for name in ("track", "other"):
            if isinstance(value := fields.get(name), int):
                anchors[f"{name}_at"] = anchor_track(self.faces.boxes[value])
        return Decision(id=f"{id(fields):012x}"[-12:], decision=parse(action, {**fields, **anchors}))


def test_a_boundary_changes_the_shot_lists_and_nothing_was_analysed_again(folder: Folder):
    person = Person(folder)
    second, third = (shot.span.start for shot in person.shots[1:3])
    decisions = (
        person.decide("remove_cut", frame=second),
        person.decide("set_kind", frame=third, kind="fade"),
        person.decide("add_cut", frame=third + 9, kind="dissolve"),
    )
    before = hashes(folder.root)
    outputs = folder.run(decisions)
    shots = shots_json.read(outputs["scenes"].shots)
    assert [(shot.span.start, shot.boundary, shot.confidence) for shot in shots[:3]] == [
        (0, "start", 0.9),
        (third, "fade", 1.0),
        (third + 9, "dissolve", 1.0),
    ]
    assert shots_csv.read(outputs["scenes"].csv) == [shot.span for shot in shots]
    assert outputs["scenes"].scores.read_bytes() == b"scores"
    assert before.items() <= hashes(folder.root).items()


def test_a_speaker_and_a_name_reach_every_file(folder: Folder):
    person = Person(folder)
    first, second = person.turns[:2]
    stop = round(first.stop_s * 25)
    decisions = (
        person.decide("set_speaker", start=0, stop=stop, speaker=second.speaker),
        person.decide("name", speaker=second.speaker, name="Anna Weber"),
    )
    outputs = folder.run(decisions)
    heard, final = rttm.read(outputs["audio"].turns), rttm.read(outputs["tracking"].turns)
    assert heard[0].speaker == second.speaker and final[0].speaker == "Anna Weber"
    assert second.speaker not in final.speakers
    assert "Anna_Weber" in outputs["tracking"].turns.read_text()
    assert support(final.segments) == support(person.turns.segments)
    speakers = speech_table.read(outputs["tracking"].speech)["speakers"].to_pylist()
    assert speakers[stop - 2] == ["Anna Weber"]
    reduced = json.loads(outputs["reduce"].audio_json.read_text())
    assert reduced["frames_analysis"][stop - 2]["audio_info"]["active_speaker_labels"] == ["Anna Weber"]
    assert "Anna Weber" in reduced["speaker_stats"] and second.speaker not in reduced["speaker_stats"]
    assert outputs["tracking"].names == {second.speaker: "Anna Weber"}


def test_a_named_person_is_named_in_people_and_tracks(folder: Folder):
    person = Person(folder)
    outputs = folder.run((person.decide("name", speaker="SPEAKER_00", name="Anna Weber"),))
    assert {one.voice for one in people_json.read(outputs["tracking"].people)} == {"Anna Weber"}
    assert set(tracking_table.read(outputs["tracking"].tracks).speaker) == {"Anna Weber"}
    reduced = json.loads(outputs["reduce"].tracking_json.read_text())
    speakers = {
        speaker
        for frame in reduced["frames_analysis"]
        for track in frame["tracked_objects"]
        for speaker in track["active_speakers"]
    }
    assert speakers == {"Anna Weber"}


def test_faces_change_in_the_table_and_in_people(folder: Folder):
    person = Person(folder)
    one, two, three, four = sorted(person.faces.boxes)[:4]
    frames = person.faces.boxes[one].frames
    middle = int(frames[len(frames) // 2])
    decisions = (
        person.decide("not_a_face", track=two),
        person.decide("split", track=one, frame=middle),
        person.decide("merge", track=three, other=four),
        person.decide("speaking", track=four, start=0, stop=N_FRAMES, speaks=True),
    )
    outputs = folder.run(decisions)["tracking"]
    table = tracking_table.read(outputs.tracks)
    new = max(person.faces.boxes) + 1
    assert two not in set(table.track_id)
    assert table[table.track_id == one].frame.max() == middle and table[table.track_id == new].frame.min() == middle + 1
    assert table[table.track_id == four].is_speaking.all()
    assert (table[table.track_id == four].speaking_confidence == 1).all()
    assert table.equals(table.sort_values(["frame", "track_id"], ignore_index=True))
    people = people_json.read(outputs.people)
    assert any({three, four} <= set(one.tracks) for one in people)
    assert [one.person for one in people if new in one.tracks] == [one.person for one in people if len(one.tracks) == 1]
    assert outputs.n_tracks == person.plain["tracking"].n_tracks and outputs.n_people == len(people)
    assert outputs.unfit == {}
