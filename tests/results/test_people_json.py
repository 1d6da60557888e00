import pytest

from vidlib.errors import BrokenOutput
from vidlib.results.exports import people_json
from vidlib.results.exports.people_json import Person


def test_what_was_written_is_read_again(tmp_path):
    people = [Person(1, {3: 0.99, 7: 0.8}, 120, 60, "SPEAKER_00", 0.9), Person(2, {4: 1.0}, 10, 0, None, None)]
    assert people_json.read(people_json.write(tmp_path / "people.json", people)) == people
    assert people_json.read(people_json.write(tmp_path / "people.json", [])) == []


@pytest.mark.parametrize("text", ["", "[]", '{"people": [{"person": 1}]}', '{"people": 7}'])
def test_what_is_no_list_of_people_is_refused_by_name(tmp_path, text):
    (tmp_path / "people.json").write_text(text)
    with pytest.raises(BrokenOutput, match=r"people\.json is not a list of people"):
        people_json.read(tmp_path / "people.json")
