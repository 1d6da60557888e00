"""Links: mended, and one spelling for all that lead to the same file."""

import string
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.texts import ANY_CHARACTER
from vidlib.errors import RefusedInput
from vidlib.ingest.urls import HANDLE, cleaned, handle, normalized, redacted, with_parameter

PLAIN = "https://files.example.org/jobs/film.zip?id=7&key=x"

words = st.text(string.ascii_letters + string.digits + "-._~", min_size=1, max_size=8).filter(
    lambda word: word.strip(".") and not word.lower().startswith("amp")
)
odd_text = st.text(st.sampled_from("aA7%~.;=&?/#+é \\amp3B2F"), max_size=30)


@st.composite
def links(draw: st.DrawFn) -> tuple[str, list[str], dict[str, str]]:
    """Host, parts of the path and parameters, all plain."""
    host = ".".join(draw(st.lists(st.text(string.ascii_lowercase, min_size=1, max_size=8), min_size=2, max_size=3)))
    parameters = draw(st.dictionaries(words, words, max_size=4))
    return host, draw(st.lists(words, min_size=1, max_size=4)), parameters


@st.composite
def spellings(draw: st.DrawFn, host: str, parts: list[str], parameters: dict[str, str]) -> str:
    """One of the many ways to write a link."""

    def escaped(word: str) -> str:
        chosen = draw(st.sets(st.sampled_from(word)))
        codes = {char: f"%{ord(char):02x}" if draw(st.booleans()) else f"%{ord(char):02X}" for char in sorted(chosen)}
        return "".join(codes.get(char, char) for char in word)

    pairs = [f"{escaped(name)}={escaped(value)}" for name, value in draw(st.permutations(list(parameters.items())))]
    pairs += draw(st.lists(st.sampled_from([*pairs, "", "empty="]), max_size=3))
    amp = draw(st.sampled_from(["&", "&amp;", "&amp;amp;", "&AMP;", "&#38;", "&amp%3B", "&amp%3Bamp%3B", "&&"]))
    slash = draw(st.sampled_from(["/", "//", "/./"]))
    case = draw(st.sampled_from([str.lower, str.upper, str.title]))
    path = slash + slash.join(map(escaped, parts))
    around = draw(st.sampled_from(["", " ", "\n", "\t "]))
    ending = draw(st.sampled_from(["", "#", "#page?x=1"]))
    port = draw(st.sampled_from(["", ":", ":443"]))
    dot = draw(st.sampled_from(["", "."]))
    return f"{around}{case('https')}://{case(host)}{dot}{port}{path}?{amp.join(pairs)}{ending}{around}"


@given(st.data())
def test_all_spellings_of_a_link_become_the_same(data):
    link = data.draw(links())
    one, other = data.draw(spellings(*link)), data.draw(spellings(*link))
    assert normalized(one) == normalized(other)


@given(odd_text, odd_text, st.sampled_from(["example.org", "www.dropbox.com", "MÜLLER.example", "[2001:DB8::0:1]"]))
def test_normalizing_twice_changes_nothing(path, query, host):
    once = normalized(f"https://{host}/{path}?{query}")
    assert normalized(once) == once
    assert normalized(cleaned(once)) == once


@given(st.text(ANY_CHARACTER, max_size=60))
def test_any_text_is_a_link_or_refused(text):
    for link in (text, f"https://{text}", f"https://example.org/{text}"):
        try:
            assert normalized(normalized(link)) == normalized(link)
        except RefusedInput:
            continue


@given(st.lists(st.sampled_from(["dl=0", "dl=1", "dl=", "dl", "rlkey=k", "amp%3Bdl=0", "dl=force"]), max_size=5))
def test_a_link_of_dropbox_has_exactly_one_dl(pairs):
    query = normalized(f"https://www.dropbox.com/scl/fo/x/y?{'&'.join(pairs)}").partition("?")[2]
    assert [pair for pair in query.split("&") if pair.startswith("dl")] == ["dl=1"]


@pytest.mark.parametrize(
    ("link", "expected"),
    [
        ("https://example.org", "https://example.org/"),
        ("http://example.org:80/a", "http://example.org/a"),
        ("http://example.org:8080/a", "http://example.org:8080/a"),
        ("https://example.org/a/", "https://example.org/a/"),
        ("https://example.org/a/../../b", "https://example.org/b"),
        ("https://example.org/%2e%2E/a%2fb", "https://example.org/a%2Fb"),
        ("https://example.org/get?12345", "https://example.org/get?12345"),
        ("https://example.org/a?id=1&id=2&id=1", "https://example.org/a?id=1&id=2"),
        ("https://example.org/a?sig=ab==", "https://example.org/a?sig=ab=="),
        ("https://example.org/Vidéo 1.zip", f"https://example.org/{quote('Vidéo 1.zip')}"),
        ("https://bücher.example/a", "https://xn--bcher-kva.example/a"),
        ("http://[::FFFF:1]/a", "http://[::ffff:1]/a"),
        ("https://dropbox.com:443/s/x/f.zip?dl=0#", "https://dropbox.com/s/x/f.zip?dl=1"),
        ("https://notdropbox.com/s/x/f.zip?dl=0", "https://notdropbox.com/s/x/f.zip?dl=0"),
    ],
)
def test_one_spelling(link, expected):
    assert normalized(link) == expected


def test_links_to_different_files_stay_different():
    others = [PLAIN.replace("film", "Film"), PLAIN.replace("7", "8"), PLAIN + "&part=2", PLAIN.replace("https", "http")]
    assert len({normalized(link) for link in [PLAIN, *others]}) == 5


def test_parameters_that_may_be_signed_keep_their_order():
    assert cleaned("https://example.org/a?z=1&amp;a=&z=1") == "https://example.org/a?z=1&a=&z=1"


@pytest.mark.parametrize(
    ("link", "why"),
    [
        ("ftp://example.org/a", "expected a link that begins with https://"),
        ("file:///etc/passwd", "expected a link that begins with https://"),
        ("javascript:alert(1)", "expected a link that begins with https://"),
        ("www.example.org/a.zip", "expected a link that begins with https://"),
        ("", "expected a link that begins with https://"),
        ("https:///a.zip", "'' is not a valid host"),
        ("https://user:hush@example.org/a", "without user, password"),
        ("https://user:hush@example.org:99999/a", "out of range"),
        ("https://example.org\\@evil.example/a", "without user, password"),
        ("https://exa mple.org/", "is not a valid host"),
        ("https://ex%61mple.org/", "is not a valid host"),
        ("https://example..org/", "is not a valid host"),
        ("https://example.org:0/", "port 0 does not exist"),
        ("https://example.org:99999/", "out of range"),
        ("http://2130706433/", "four numbers"),
        ("http://0x7f.1/", "four numbers"),
        ("http://127.1/", "four numbers"),
        ("http://[::1/", "expected a link such as"),
        ("https://example.org/" + "a" * 9000, "expected at most 8000"),
    ],
)
def test_an_invalid_link_is_refused_with_the_reason(link, why):
    with pytest.raises(RefusedInput, match=why) as raised:
        normalized(link)
    assert "hush" not in str(raised.value)


@pytest.mark.parametrize(
    ("link", "shown"),
    [
        ("https://example.org/a\x1b[2J.zip?key=hush", "https://example.org/a_[2J.zip?…"),
        ("https://www.dropbox.com/scl/fi/hush/film.zip?rlkey=hush&dl=0", "https://www.dropbox.com/…/film.zip?…"),
        ("https://www.swisstransfer.com/d/hush", "https://www.swisstransfer.com/…"),
        ("https://me:hush@example.org?x=//hush@h/a.zip", "https://…@example.org?…"),
        ("https://mega.nz/file/hush#hush", "https://mega.nz/…#…"),
        ("https://example.org/film.zip\n?hush", "https://example.org/…?…"),
        ("https://example.org/x://hush/a", "https://example.org/…"),
        ("https://example.org/eyJhbGci.eyJzdWIi.hushhushhush", "https://example.org/…"),
        ("www.dropbox.com/hush", "www.dropbox.com/…"),
        ("https://example.org/", "https://example.org/"),
    ],
)
def test_messages_show_only_the_host_and_the_file_of_a_link(link, shown):
    assert redacted(link) == shown


def test_every_spelling_of_a_link_has_one_handle_that_tells_nothing():
    names = {handle("https://h.example/f.zip?b=2&a=hush"), handle(" HTTPS://h.example:443/f.zip?a=hush&amp;b=2 ")}
    assert len(names) == 1
    assert HANDLE.fullmatch(names.pop())


def test_a_parameter_is_set_once():
    assert with_parameter("https://example.org/a?dl=0&x=1&dl=2", "dl", "1") == "https://example.org/a?x=1&dl=1"
