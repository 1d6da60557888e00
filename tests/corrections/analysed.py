"""Analyses of one video that was never looked at: what two engines of different taste would leave, on disk."""

from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from tests import finished
from vidlib.corrections.actions import Decision
from vidlib.files import sha256
from vidlib.results.exports import people_json, rttm, shots_csv, shots_json, speech_json, speech_table, tracking_table
from vidlib.results.exports.people_json import Person
from vidlib.results.exports.tracking_table import TrackRows
from vidlib.steps import audio, reduce, scenes, tracking
from vidlib.steps.base import Step, StepOutputs, _write_manifest
from vidlib.timeline import Shot, Span, Turn, Turns, seconds

N_FRAMES = 1500
SIZE = (640, 360)
STEPS = {"scenes": scenes, "audio": audio, "tracking": tracking, "reduce": reduce}


@dataclass
class Analysis:
    """The shots, turns, tracks and people that one analysis finds."""

    shots: list[Shot]
    turns: Turns
    tracks: list[TrackRows]
    people: list[Person]


def analyse(seed: int) -> Analysis:
    """What the analysis ``seed`` finds. Most of it is there in every analysis, under other numbers and labels."""
    true_cuts = np.sort(np.random.default_rng(1).choice(np.arange(20, N_FRAMES - 20, 25), 20, replace=False)).tolist()
    taste = np.random.default_rng(seed)
    cuts = [cut + int(taste.integers(-1, 2)) * bool(taste.random() < 0.2) for cut in true_cuts if taste.random() > 0.1]
    spans = [Span(*edge) for edge in pairwise([0, *cuts, N_FRAMES])]
    kinds = ["start", *taste.choice(["cut", "dissolve"], len(spans) - 1, p=[0.8, 0.2]).tolist()]
    shots = [Shot(span, kind, 0.9) for span, kind in zip(spans, kinds, strict=True)]
    tracks = _tracks([Span(*edge) for edge in pairwise([0, *true_cuts, N_FRAMES])], shots, taste)
    return Analysis(shots, _turns(taste), tracks, _people(tracks, taste))


def _turns(taste: np.random.Generator) -> Turns:
    world, labels, turns = np.random.default_rng(2), taste.permutation(4), Turns()
    for start in range(0, N_FRAMES - 50, 50):
        speaker, length = labels[world.integers(4)], int(world.integers(20, 48))
        first = start + int(taste.integers(0, 2))
        turns.append(Turn(float(seconds(first)), float(seconds(start + length)), f"SPEAKER_{speaker:02}", 0.8))
    return turns


def _tracks(true_shots: list[Span], shots: list[Shot], taste: np.random.Generator) -> list[TrackRows]:
    """Two faces in each true shot; a boundary that an analysis finds elsewhere cuts them."""
    places = np.random.default_rng(3).integers(0, 200, (len(true_shots), 2))
    first, tracks = int(taste.integers(1, 40)), list[TrackRows]()
    for span, place in zip(true_shots, places, strict=True):
        for side in (0, 1):
            for number, shot in enumerate(shots, 1):
                seen = span & shot.span
                if seen is None or len(seen) < 3:
                    continue
                x, y = place + np.array([300 * side, 0]) + taste.integers(-3, 4, 2)
                frames = range(seen.start, seen.stop)
                rows = finished.track(first + len(tracks), frames, number)
                boxes = np.tile([x, y, x + 80.0, y + 90.0], (len(frames), 1))
                speaks = (np.array(frames) % 50 < 25) & (side == 0)
                changed = {"boxes": boxes, "is_speaking": speaks, "speaker": "SPEAKER_00"}
                tracks.append(TrackRows(**vars(rows) | changed))
    return tracks


def _people(tracks: list[TrackRows], taste: np.random.Generator) -> list[Person]:
    groups: dict[int, list[TrackRows]] = {}
    for rows in tracks:
        groups.setdefault(rows.track_id % 6, []).append(rows)
    return [
        Person(
            number,
            {rows.track_id: 0.9 for rows in group},
            sum(len(rows.boxes) for rows in group),
            sum(int(rows.is_speaking.sum()) for rows in group),
            "SPEAKER_00",
            0.7,
        )
        for number, group in enumerate(groups.values(), 1)
    ]


class Folder:
    """The steps of a video, below ``root``: their results without corrections, and with some."""

    def __init__(self, root: Path, found: Analysis, params: dict[str, Any] | None = None):
        self.root, self.found = root, found
        self.params = {name: module.Params(**(params or {}).get(name, {})) for name, module in STEPS.items()}
        root.mkdir(parents=True, exist_ok=True)
        self.video = root / "video.mp4"
        self.video.write_bytes(b"a video")
        self.plain: dict[str, Path] = {}

    def run(self, decisions: tuple[Decision, ...], *, reuse: bool = True) -> dict[str, StepOutputs]:
        """The outputs of all steps with these decisions. The results without them are there already if ``reuse``."""
        done: dict[str, StepOutputs] = {}
        for name, module in STEPS.items():
            own = tuple(one for one in decisions if name in one.decision.steps)
            done[name] = self._run(name, module, done, own, reuse)
        return done

    def _run(self, name: str, module: Any, done: Any, decisions: Any, reuse: bool) -> StepOutputs:
        values = {"video": self.video, "frames": N_FRAMES}
        if name == "tracking":
            values |= {"shots": done["scenes"].shots, "speech": done["audio"].table, "turns": done["audio"].turns}
        if name == "reduce":
            after = done["tracking"]
            values = {"frames": N_FRAMES, "tracks": after.tracks, "speech": after.speech, "turns": after.turns}
            return module.run(module.Inputs(**values, out_dir=self._new(name)), self.params[name])
        inputs = module.Inputs(**values, out_dir=self._new(name))
        plain = self._leave(name, module, inputs)
        if not decisions:
            return plain
        uncorrected = inputs.out_dir if reuse else None
        corrected = {"corrections": decisions, "uncorrected": uncorrected, "out_dir": self._new(name)}
        return module.run(inputs.model_copy(update=corrected), self.params[name])

    def _new(self, name: str) -> Path:
        folder = self.root / f"{len(list(self.root.iterdir())):03} {name}"
        folder.mkdir()
        return folder

    def _leave(self, name: str, module: Any, inputs: Any) -> StepOutputs:
        """What the engines of a step leave, with its manifest."""
        outputs = getattr(self, f"_{name}")(module, inputs)
        module.verify(inputs, outputs)
        _write_manifest(Step(module), inputs, self.params[name], outputs, 0.0)
        return outputs

    def _scenes(self, module: Any, inputs: Any) -> StepOutputs:
        out, shots = inputs.out_dir, self.found.shots
        (out / "scores.parquet").write_bytes(b"scores")
        return module.Outputs(
            shots=shots_json.write(out / "shots.json", shots, engine="drawn"),
            csv=shots_csv.write(out / "shots.csv", [shot.span for shot in shots]),
            scores=out / "scores.parquet",
            n_shots=len(shots),
            engine="drawn",
        )

    def _audio(self, module: Any, inputs: Any) -> StepOutputs:
        out, turns = inputs.out_dir, self.found.turns
        return module.Outputs(
            turns=rttm.write(out / "speech.rttm", turns),
            speech=speech_json.write(out / "speech.json", turns, engine="drawn", duration_s=N_FRAMES / 25),
            table=speech_table.write(out / "speech.parquet", N_FRAMES, [], turns),
            n_speakers=len(turns.speakers),
            speech_s=turns.duration_s,
            engine="drawn",
        )

    def _tracking(self, module: Any, inputs: Any) -> StepOutputs:
        """Faces in the shots as corrected: a track that crosses into another shot is cut there."""
        out, turns = inputs.out_dir, rttm.read(inputs.turns)
        shots = shots_json.read(inputs.shots)
        tracks, people = _in_shots(self.found, shots)
        table = out / "tracking.parquet"
        with tracking_table.writing(table, total_frames=N_FRAMES, width=SIZE[0], height=SIZE[1]) as write_shot:
            for number in range(1, len(shots) + 1):
                write_shot([rows for rows in tracks if rows.shot == number])
        (out / "key_frames").mkdir()
        key_frames = [out / "key_frames" / f"{number:04}.jpg" for number in range(1, len(shots) + 1)]
        for file in key_frames:
            file.write_bytes(b"picture")
        return module.Outputs(
            tracks=table,
            people=people_json.write(out / "people.json", people),
            turns=rttm.write(out / "speech.rttm", turns),
            speech=speech_table.write_corrected(out / "speech.parquet", speech_table.read(inputs.speech), turns),
            key_frames=tuple(key_frames),
            n_corrected=0,
            n_frames=N_FRAMES,
            n_people=len(people),
            n_tracks=len(tracks),
            n_faces=len(tracks),
            face_coverage=1.0,
            landmark_coverage=1.0,
            speaking_s=sum(int(rows.is_speaking.sum()) for rows in tracks) / 25,
            engine="drawn",
        )


def _in_shots(found: Analysis, shots: list[Shot]) -> tuple[list[TrackRows], list[Person]]:
    tracks: list[TrackRows] = []
    person = {track: one.person for one in found.people for track in one.tracks}
    groups: dict[int, list[int]] = {}
    for rows in found.tracks:
        for number, shot in enumerate(shots, 1):
            span = Span(rows.start, rows.start + len(rows.boxes)) & shot.span
            if span is None:
                continue
            part = slice(span.start - rows.start, span.stop - rows.start)
            cut = {name: value[part] if isinstance(value, np.ndarray) else value for name, value in vars(rows).items()}
            track_id = found.tracks[0].track_id + len(tracks)
            tracks.append(TrackRows(**cut | {"track_id": track_id, "shot": number, "start": span.start}))
            groups.setdefault(person[rows.track_id], []).append(track_id)
    by_id = {rows.track_id: rows for rows in tracks}
    people = [
        Person(
            number,
            dict.fromkeys(own, 0.9),
            sum(len(by_id[track].boxes) for track in own),
            sum(int(by_id[track].is_speaking.sum()) for track in own),
            "SPEAKER_00",
            0.7,
        )
        for number, own in enumerate(groups.values(), 1)
    ]
    return tracks, people


def hashes(root: Path) -> dict[str, str]:
    """The SHA-256 of each file below ``root``."""
    return {str(path.relative_to(root)): sha256(path) for path in sorted(root.rglob("*")) if path.is_file()}
