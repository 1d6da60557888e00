"""The full list of shots."""

import pytest

from vidlib.errors import BrokenOutput
from vidlib.results.exports import shots_json
from vidlib.timeline import Shot, Span

SHOTS = [
    Shot(Span(0, 20), "start"),
    Shot(Span(20, 41), "cut", 0.97),
    Shot(Span(41, 60), "dissolve", 0.8123, Span(38, 45)),
]


def test_what_is_written_is_read(tmp_path):
    assert shots_json.read(shots_json.write(tmp_path / "shots.json", SHOTS, engine="transnet")) == SHOTS


@pytest.mark.parametrize("content", ["", "{}", "[]", '{"shots": [{"start": 0}]}', '{"shots": [1]}', "\x00"])
def test_another_file_is_refused(tmp_path, content):
    path = tmp_path / "shots.json"
    path.write_text(content)
    with pytest.raises(BrokenOutput, match=r"is not a shots\.json"):
        shots_json.read(path)
