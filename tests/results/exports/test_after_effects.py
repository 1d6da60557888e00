"""The package for After Effects: where the windows stand, and what the script builds, in a JavaScript engine."""

import json
import re
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vidlib.corrections.actions import SetFraming
from vidlib.geometry import simplified
from vidlib.results.exports import after_effects
from vidlib.results.exports.boxes import Box
from vidlib.results.exports.edit_timeline import Media
from vidlib.results.exports.webvtt import Caption
from vidlib.results.reframing.framing import Area, Reframed
from vidlib.results.reframing.plan import plan
from vidlib.timeline import Shot, Span, Turn, Turns

NODE = shutil.which("node")
NAME = 'L\'été & 100 % #1 "fin".mp4'
SHOTS = [Shot(Span(0, 50)), Shot(Span(50, 100), "dissolve"), Shot(Span(100, 120))]

STAND_INS = """
var log = {layers: [], markers: [], alerts: [], asked: 0};
var $ = {fileName: SCRIPT};
var fs = require("fs"), path = require("path");
function File(name) { this.fsName = name; this.name = path.basename(name); this.exists = fs.existsSync(name);
                      this.parent = {fsName: path.dirname(name)}; }
File.prototype.open = function () { return this.exists; };
File.prototype.read = function () { return fs.readFileSync(this.fsName, "utf8"); };
File.prototype.close = function () {};
File.openDialog = function () { log.asked++; return null; };
function ImportOptions(file) { this.file = file; }
function MarkerValue(text) { this.comment = text; }
function alert(text) { log.alerts.push(text); }
function Property() {}
Property.prototype.setValue = function (value) { this.value = value; };
Property.prototype.setValuesAtTimes = function (times, values) { this.value = [times, values]; };
Property.prototype.setValueAtTime = function (time, value) { this.keys = (this.keys || []).concat([[time, value]]); };
Property.prototype.setInterpolationTypeAtKey = function (key, before, after) {
    this.types = this.types || {}; this.types[key] = [before, after]; };
Property.prototype.addProperty = function (name) { return this[name] = new Property(); };
Property.prototype.property = function (name) { return this[name] = this[name] || new Property(); };
var KeyframeInterpolationType = {HOLD: "hold", LINEAR: "linear"};
function Shape() {}
function Layer(source) { this.source = source; this.properties = {}; }
Layer.prototype.property = function (name) {
    if (name === "ADBE Transform Group") { return this; }
    return this.properties[name] = this.properties[name] || new Property();
};
Layer.prototype.duplicate = function () {
    var copy = new Layer(this.source);
    for (var key in this) { if (this.hasOwnProperty(key)) { copy[key] = this[key]; } }
    copy.properties = JSON.parse(JSON.stringify(this.properties));
    for (var name in copy.properties) { Object.setPrototypeOf(copy.properties[name], Property.prototype); }
    return copy;
};
Layer.prototype.moveAfter = function (layer) { log.layers.splice(log.layers.indexOf(layer) + 1, 0, this); };
function Comp(name, width, height, aspect, duration, rate) {
    log.comp = [name, width, height, aspect, duration, rate];
    this.width = width; this.height = height; this.duration = duration;
    function add(source) { var layer = new Layer(source); log.layers.unshift(layer); return layer; }
    this.layers = {add: add, addNull: function () { return add(null); }};
    this.markerProperty = {setValueAtTime: function (time, marker) { log.markers.push([time, marker]); }};
    this.openInViewer = function () {};
}
var app = {beginUndoGroup: function () {}, endUndoGroup: function () { log.ended = true; }, project: {
    importFile: function (options) { return {name: options.file.name, duration: DURATION}; },
    items: {addComp: function (n, w, h, a, d, r) { return new Comp(n, w, h, a, d, r); }}
}};
"""
"""What the script uses of After Effects, with a record of every call."""


def face(frame: int, x: float, speaking: bool = False, track: int = 1, width: float = 100) -> Box:
    return Box(frame, track, "face", 0.9, x, 100, width, 120, speaking, "SPEAKER_00" if speaking else None)


def media(folder: Path) -> Media:
    (folder / NAME).write_bytes(b"the video")
    return Media(name=NAME, path=str(folder / NAME), frames=120, start=90_000, width=1280, height=720)


def reframed(boxes: list[list[Box]], shots: list[Shot] = SHOTS, decisions: tuple[SetFraming, ...] = ()) -> Reframed:
    pictures = [Area(0, 0, 1280, 720)] * len(shots)
    return Reframed((9, 16), (1280, 720), tuple(shots), tuple(plan(shots, boxes, pictures, (9, 16), decisions)))


def package(
    folder: Path, boxes: list[list[Box]], lines: list[Caption] | None = None, decisions: tuple[SetFraming, ...] = ()
) -> Path:
    turns, framed = Turns([Turn(0.0, 1.0, "SPEAKER_00")]), reframed(boxes, decisions=decisions)
    return after_effects.write(folder / "clip_ae.jsx", media(folder), framed, boxes, turns, lines or [])


def run(script: Path, duration_s: float = 4.8, **replaced: str) -> dict:
    """What the script did, as the stand-ins recorded it."""
    text = script.read_text()
    for old, new in replaced.items():
        text = text.replace(f"{old} = false", f"{old} = {new}")
    head = STAND_INS.replace("SCRIPT", json.dumps(str(script))).replace("DURATION", str(duration_s))
    code = f"{head}\n{text}\nconsole.log(JSON.stringify(log));"
    done = subprocess.run([NODE, "-e", code], capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


needs_node = pytest.mark.skipif(NODE is None, reason="node is not installed")
BOXES = [[face(n, 1000, speaking=True) for n in range(50)], [face(n, 300, track=2) for n in range(50, 100)]]


@needs_node
def test_the_script_builds_a_vertical_composition_cut_by_shots(tmp_path):
    line = Caption(0.4, 1.0, 'Ça va ? "oui" \u2028</x>', "SPEAKER_00")
    done = run(package(tmp_path, BOXES, [line]))
    assert done["alerts"] == []
    assert done["comp"] == ['L\'été & 100 % #1 "fin" 9x16', 1080, 1920, 1, 4.8, 25]
    assert [(layer["name"], layer["inPoint"], layer["outPoint"]) for layer in done["layers"]] == [
        ("Shot 001", 0, 2),
        ("Shot 002", 2, 4),
        ("Shot 003", 4, 4.8),
    ]
    anchors = [layer["properties"]["ADBE Anchor Point"]["value"] for layer in done["layers"]]
    assert [y for _, y in anchors] == [360] * 3
    assert anchors[0][0] == pytest.approx(1050, abs=60)
    assert anchors[1][0] == pytest.approx(350, abs=60)
    assert anchors[2][0] == 640
    for layer in done["layers"]:
        assert layer["properties"]["ADBE Position"]["value"] == [540, 960]
        assert layer["properties"]["ADBE Scale"]["value"] == pytest.approx([1920 / 720 * 100] * 2)
    assert done["markers"] == [[0.4, {"comment": f"SPEAKER_00: {line.text}", "duration": 0.6}]]
    assert done["ended"]


@needs_node
def test_tracks_become_nulls_in_the_window_on_request(tmp_path):
    done = run(package(tmp_path, BOXES), WITH_TRACKS="true")
    nulls = [layer for layer in done["layers"] if layer["name"].startswith("Face")]
    assert [layer["name"] for layer in nulls] == ["Face 2", "Face 1 SPEAKER_00"]
    times, places = nulls[1]["properties"]["ADBE Position"]["value"]
    assert times == [0, 49 / 25]
    assert all(0 < x < 1080 for x, _ in places)


@needs_node
def test_a_change_of_speakers_within_a_shot_is_a_jump_of_the_window(tmp_path):
    boxes = [[face(n, 100, True) if n < 25 else face(n, 1100, True, track=2)] for n in range(50)]
    boxes[24:] = [[box._replace(speaker="SPEAKER_01") for box in frame] for frame in boxes[24:]]
    anchor = run(package(tmp_path, boxes))["layers"][0]["properties"]["ADBE Anchor Point"]
    assert anchor["types"] == {"1": ["hold", "hold"], "2": ["hold", "hold"]}
    (_, (first, _)), (jump_s, (second, _)) = anchor["keys"]
    assert first < 300
    assert second > 900
    assert jump_s == pytest.approx(1.0, abs=0.3)


@needs_node
def test_a_window_that_glides_has_linear_keys_and_holds_the_last(tmp_path):
    boxes = [[face(n, 100 + 9 * n, True)] for n in range(50)]
    anchor = run(package(tmp_path, boxes))["layers"][0]["properties"]["ADBE Anchor Point"]
    assert len(anchor["keys"]) > 2
    assert anchor["types"] == {str(len(anchor["keys"])): ["linear", "hold"]}
    assert [x for _, (x, _) in anchor["keys"]] == sorted(x for _, (x, _) in anchor["keys"])


@needs_node
def test_a_shot_that_a_person_shows_as_a_whole_lies_over_a_blurred_copy(tmp_path):
    done = run(package(tmp_path, BOXES, decisions=(SetFraming(frame=60),)))
    assert done["alerts"] == []
    whole, back = done["layers"][1:3]
    assert (whole["comment"], back["name"]) == ("fit: person", "Shot 002 background")
    assert whole["properties"]["ADBE Scale"]["value"] == pytest.approx([1080 / 1280 * 100] * 2)
    assert whole["properties"]["ADBE Anchor Point"]["value"] == [640, 360]
    assert back["properties"]["ADBE Scale"]["value"] == pytest.approx([1920 / 720 * 100] * 2)
    assert back["properties"]["ADBE Effect Parade"]["ADBE Gaussian Blur 2"]["ADBE Gaussian Blur 2-0001"]["value"] > 0


@needs_node
def test_another_file_is_refused_and_a_missing_one_asked_for(tmp_path):
    script = package(tmp_path, BOXES)
    assert "has another length" in run(script, duration_s=30.0)["alerts"][0]
    (tmp_path / NAME).unlink()
    missing = run(script)
    assert (missing["asked"], missing["layers"], missing["alerts"]) == (1, [], [])
    script.with_suffix(".json").unlink()
    assert "keep it beside the script" in run(script)["alerts"][0]


def test_the_script_is_ecmascript_3_and_its_data_are_ascii(tmp_path):
    script = package(tmp_path, BOXES, [Caption(0, 1, "été", None)])
    code = re.sub(r"//.*", "", script.read_text())
    assert re.findall(r"\b(?:let|const|class|async|of)\b|=>|`|,\s*[\]})]", code) == []
    assert script.with_suffix(".json").read_text().isascii()


def test_an_hour_fits_into_a_megabyte(tmp_path):
    rng = np.random.default_rng(0)
    frames = 15_000  # ten minutes are enough to see it
    walk = np.cumsum(rng.normal(0, 3, frames)) % 1100
    boxes = [[face(n, walk[n], track=1 + n // 500) for n in range(frames)]]
    media = Media(name="a.mp4", path="a.mp4", frames=frames, start=0, width=1280, height=720)
    framed = reframed(boxes, [Shot(Span(0, frames))])
    after_effects.write(tmp_path / "a_ae.jsx", media, framed, boxes, Turns(), [])
    assert (tmp_path / "a_ae.json").stat().st_size <= 1_000_000 / 6


@given(st.lists(st.tuples(st.integers(0, 1280), st.integers(0, 720)), min_size=1, max_size=40), st.integers(1, 30))
def test_simplified_tracks_stay_within_the_tolerance(places, tolerance):
    points = [(frame, x, y) for frame, (x, y) in enumerate(places)]
    keys = np.array(simplified(points, tolerance))
    frames = np.arange(len(points))
    for axis in (1, 2):
        line = np.interp(frames, keys[:, 0], keys[:, axis])
        assert np.abs(line - [point[axis] for point in points]).max() <= tolerance + 1e-6
