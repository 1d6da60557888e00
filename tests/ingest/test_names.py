"""Names from outside: safe on every system, each its own, and still readable."""

import re
import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.texts import ANY_TEXT
from vidlib.ingest.names import MAX_DEPTH, MAX_NAME_BYTES, decode_name, is_litter, safe_name, safe_paths

ANY_NAME = st.one_of(ANY_TEXT, st.binary(), st.text(alphabet="aA./\\:é\u0301-2", max_size=12))


@given(ANY_NAME)
@example("\ud800 lone surrogate")
@example(b"\x00\xff")
@example("ab" * 300 + ".mp4")
@example("動" * 100 + "画.mp4")
@example("a／．．／b.mp4")
@example("．" * 100 + "／" * 100)
def test_a_safe_name_is_one_visible_name_that_fits(name):
    safe = safe_name(name)
    assert safe and safe.isprintable() and safe == unicodedata.normalize("NFC", safe)
    assert len(safe.encode()) <= MAX_NAME_BYTES
    assert not set(safe) & set('/\\<>:"|?*') and safe[0] not in ". " and safe[-1] not in ". "
    assert ".." not in re.split(r"[/\\]", unicodedata.normalize("NFKC", safe)), "a way up where wide is made plain"


@given(ANY_NAME)
def test_a_safe_name_stays_as_it_is(name):
    assert safe_name(safe_name(name)) == safe_name(name)


@given(st.lists(ANY_NAME, max_size=12))
@example(["a", "a/b", "A", "a-2", "a"])
@example(["é", "e\u0301"])
@example(["ß", "SS", "ss"])
def test_every_file_gets_a_path_of_its_own_even_where_case_does_not_count(names):
    paths = safe_paths(names)
    assert len(paths) == len(names)
    keys = [str(path).casefold() for path in paths]
    assert len(set(keys)) == len(keys)
    folders = {str(parent).casefold() for path in paths for parent in path.parents}
    assert not folders & set(keys), "a file and a folder have one name"


@given(st.lists(ANY_NAME, max_size=5))
def test_no_path_leads_out_or_is_hidden_or_too_long(names):
    for path in safe_paths(names):
        assert not path.is_absolute() and len(path.parts) <= MAX_DEPTH
        assert all(part == safe_name(part) for part in path.parts)


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("../../etc/passwd", "etc/passwd"),
        ("/etc/passwd", "etc/passwd"),
        ("C:\\Users\\x\\clip.mov", "Users/x/clip.mov"),
        ("\\\\server\\share\\clip.mov", "server/share/clip.mov"),
        ("a/./b//c.mp4", "a/b/c.mp4"),
        ("..", "unnamed"),
        ("", "unnamed"),
        (".hidden.mp4", "_hidden.mp4"),
        ("new\nline\x1b[1m.mp4", "new_line_[1m.mp4"),
        ("right\u202e4pm.exe", "right_4pm.exe"),
        ("aux.mp4", "_aux.mp4"),
        ("nul .mp4", "_nul.mp4"),
        ("COM¹.mp4", "_COM¹.mp4"),
        ("conin$", "_conin$"),
        ("console.mp4", "console.mp4"),
        ("．．／wide.mp4", "___wide.mp4"),
        ("第１話／最終？.mp4", "第１話／最終？.mp4"),
        ("clip.mp4. ", "clip.mp4"),
        ("take?*.mp4", "take__.mp4"),
    ],
)
def test_harmful_parts_of_a_path_are_removed(name, path):
    assert str(safe_paths([name, "other"])[0]) == path


def test_names_that_become_the_same_are_numbered():
    names = ["a?.mp4", "a*.mp4", "A_.mp4", "x/1", "X/1", "x"]
    assert [str(path) for path in safe_paths(names)] == ["a_.mp4", "a_-2.mp4", "A_-3.mp4", "x/1", "X-2/1", "x-3"]


def test_twenty_thousand_equal_names_are_numbered_at_once():
    paths = safe_paths(["same.mp4"] * 20_000)
    assert len(set(paths)) == 20_000


def test_the_folder_that_holds_everything_is_left_out_once():
    assert [str(path) for path in safe_paths(["job/cut/a.mp4", "./job/cut/b.mp4"])] == ["cut/a.mp4", "cut/b.mp4"]
    assert [str(path) for path in safe_paths(["job/a.mp4", "b.mp4"])] == ["job/a.mp4", "b.mp4"]


def test_long_names_are_cut_by_bytes_keep_their_suffix_and_stay_apart():
    first, second = safe_paths(["動" * 120 + "1.mp4", "動" * 120 + "2.mp4"])
    assert first != second
    assert first.suffix == second.suffix == ".mp4"
    assert max(len(first.name.encode()), len(second.name.encode())) <= MAX_NAME_BYTES


def test_deep_paths_are_made_shallow_and_stay_apart():
    first, second = safe_paths(["/".join("abcdefghij") + "/clip.mp4", "/".join("abcdefghik") + "/clip.mp4"])
    assert first != second and first.name == second.name == "clip.mp4"


@pytest.mark.parametrize(
    ("encoding", "text"),
    [
        ("utf-8", "動画 é.mp4"),
        ("cp932", "動画テスト.mp4"),
        ("cp932", "第１話/最終版.mov"),
        ("cp437", "Größe.mov"),
        ("cp437", "téléphone été.mov"),
        ("cp437", "½ Übung.mov"),
    ],
)
def test_names_without_an_encoding_are_read(encoding, text):
    assert decode_name(text.encode(encoding)) == text


@pytest.mark.parametrize("name", ["__MACOSX/a.mp4", "x/__MACOSX/._a", ".DS_Store", "x/.DS_Store", "x/._clip.mov"])
def test_files_of_macos_are_litter(name):
    assert is_litter(name)
    assert not is_litter("x/clip._.mov")
