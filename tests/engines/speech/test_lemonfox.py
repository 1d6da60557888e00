"""The Lemonfox API, played by a server of this test: what is sent, what is tried again, what is said; never the key."""

import traceback
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import pytest
from pydantic import SecretStr

from tests.engines.speech.lemonfox_server import Answering, answering, cut, heard, never, says
from vidlib.engines.speech import Caption, Diarization, Options
from vidlib.engines.speech.lemonfox import api
from vidlib.engines.speech.lemonfox import engine as speech_lemonfox
from vidlib.engines.speech.lemonfox.api import ATTEMPTS, Answer, Limits, Service, Time
from vidlib.errors import EngineUnavailable, SettingError
from vidlib.machine import commands
from vidlib.media.audio import SAMPLE_RATE, read_waveform
from vidlib.settings import settings
from vidlib.timeline import Turn

KEY = "fox-0123456789-secret"
FINE = heard((0.0, 1.0, "A", "hello there"), (1.5, 2.0, "B", "hi"))
SECOND = np.random.default_rng(0).normal(0, 0.1, SAMPLE_RATE).astype(np.float32)


@dataclass
class Clock:
    """Time that passes by pauses alone; each pause is kept."""

    now: float = 0.0
    pauses: list[float] = field(default_factory=list)

    def pause(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.now += seconds

    @property
    def time(self) -> Time:
        return Time(lambda: self.now, lambda: self.now, self.pause, lambda: 0.5)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def ask(clock, monkeypatch) -> Callable[..., Answer]:
    """``ask(place, ...)``: send a file that is none to a server, with these limits."""
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)

    def transcribe(place: Answering, sound: bytes = b"sound", **limits: float) -> Answer:
        return Service(place.url, SecretStr(KEY), Limits(**limits), clock.time).transcribe("a.flac", sound, {})

    return transcribe


def refusal(ask: Callable[..., Answer], place: Answering, **limits: float) -> str:
    """What is said where the service does not do it; the key is in no part of that."""
    with pytest.raises(EngineUnavailable) as caught:
        ask(place, **limits)
    told = "".join(traceback.format_exception(caught.value))
    assert KEY not in told + repr(caught.value)
    return str(caught.value)


# what is tried again


def test_a_server_in_trouble_is_asked_again(ask, clock):
    with answering(says(500, "{}"), says(503, "{}"), says(200, FINE)) as place:
        assert [segment.speaker for segment in ask(place).segments] == ["A", "B"]
    assert len(place.sent) == 3
    assert clock.pauses == [0.75, 1.5]


def test_the_whole_file_is_sent_again(ask):
    with answering(says(500, "{}"), says(200, FINE)) as place:
        ask(place, sound=b"x" * 200_000)
    assert [len(sent.form["file"]) for sent in place.sent] == [200_000, 200_000]


@pytest.mark.parametrize(
    ("asked", "pause_s"), [("7", 7), ("Thu, 01 Jan 1970 00:00:42 GMT", 42), ("Mon, 01 Jan 1900 00:00:00 GMT", 0)]
)
def test_a_pause_that_the_server_asks_for_is_kept(ask, clock, asked, pause_s):
    with answering(says(429, "{}", Retry_After=asked), says(200, FINE)) as place:
        ask(place)
    assert clock.pauses == [pause_s]


def test_a_pause_that_makes_no_sense_is_ours(ask, clock):
    with answering(says(429, "{}", Retry_After="soon"), says(200, FINE)) as place:
        ask(place)
    assert clock.pauses == [0.75]


def test_a_pause_longer_than_all_may_take_is_not_begun(ask, clock):
    with answering(says(429, "{}", Retry_After="86400")) as place:
        assert "answered 429; attempts: 1" in refusal(ask, place)
    assert clock.pauses == []


def test_a_connection_that_is_cut_is_made_again(ask):
    with answering(cut(FINE), says(200, FINE)) as place:
        assert len(ask(place).segments) == 2


def test_an_answer_that_does_not_come_is_waited_for_so_long(ask, clock):
    with answering(never) as place:
        assert f"did not answer in time (ReadTimeout); attempts: {ATTEMPTS}" in refusal(ask, place, socket_s=0.05)
    assert clock.pauses == [0.75, 1.5, 3.0, 6.0]


def test_where_nobody_listens_is_said(ask):
    with answering(never) as place:
        pass
    assert "the connection to lemonfox failed" in refusal(ask, place)


def test_all_attempts_together_have_a_limit(ask, clock):
    def slowly(handler):
        clock.now += 61
        says(200, FINE)(handler)

    with answering(slowly) as place:
        assert refusal(ask, place, total_s=60) == "lemonfox took longer than 60 s in all"


# what is not


@pytest.mark.parametrize(
    ("code", "says_what"),
    [
        (401, "refused the key (401): correct VIDLIB_LEMONFOX_KEY"),
        (413, "too long for lemonfox (413); it takes 100 MB"),
        (400, "answered 400: bad"),
        (302, "answered 302"),
    ],
)
def test_what_will_not_change_is_not_tried_again(ask, clock, code, says_what):
    with answering(says(code, f"bad {KEY}", Location="http://127.0.0.1:1/"), says(200, FINE)) as place:
        assert says_what in refusal(ask, place)
    assert (len(place.sent), clock.pauses) == (1, [])


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (FINE[:-20], "application/json"),
        ("<html><body>Sign in</body></html>", "text/html"),
        (f'{{"error": "{KEY}"}}', "application/json"),
        ("[]", "application/json"),
        ('{"segments": [{"start": NaN, "end": 1}]}', "application/json"),
        ('{"segments": [{"start": -1, "end": 1}]}', "application/json"),
        (b"\xff\xfe", "application/json"),
        ("[" * 100_000, "application/json"),
    ],
)
def test_an_answer_that_is_not_what_was_expected_is_shown_in_short(ask, body, content_type):
    with answering(says(200, body, content_type)) as place:
        told = refusal(ask, place)
    assert told.startswith("lemonfox's answer is not the JSON that was expected")
    assert len(told) < 500
    assert len(place.sent) == 1


def test_an_answer_without_end_is_not_read_to_its_end(ask, monkeypatch):
    monkeypatch.setattr(api, "MAX_ANSWER_BYTES", 1_000_000)
    with answering(says(200, " " * 2_000_000)) as place:
        assert refusal(ask, place) == "lemonfox's answer is longer than 1 MB"


def test_a_file_that_is_too_large_is_not_sent(ask, monkeypatch):
    monkeypatch.setattr(api, "MAX_UPLOAD_BYTES", 3)
    with answering(says(200, FINE)) as place:
        assert "too long for lemonfox: 0 MB, 0 MB are accepted. Cut the video" in refusal(ask, place)
    assert place.sent == []


# the key


@pytest.mark.parametrize("key", ["", "two words", "ligne\nHost: x", "clé"])
def test_what_cannot_be_a_key_is_not_shown(key):
    with pytest.raises(SettingError) as caught:
        Service("https://api.example", SecretStr(key))
    assert not key or key not in str(caught.value)


@pytest.mark.parametrize("url", ["http://api.lemonfox.ai/x", "ftp://127.0.0.1/", "https://a:b@host/", "https://", "x"])
def test_the_key_goes_nowhere_unencrypted(url):
    with pytest.raises(SettingError, match="VIDLIB_LEMONFOX_URL"):
        Service(url, SecretStr(KEY))


def test_the_key_is_in_its_header_alone(ask, caplog):
    caplog.set_level("DEBUG")
    with answering(says(200, FINE)) as place:
        ask(place)
    assert place.sent[0].headers["Authorization"] == f"Bearer {KEY}"
    assert KEY.encode() not in b"".join(place.sent[0].form.values())
    assert KEY not in caplog.text


def test_without_a_key_the_engine_says_what_to_set(monkeypatch, workspace):
    monkeypatch.delenv("VIDLIB_LEMONFOX_KEY", raising=False)
    settings.cache_clear()
    with pytest.raises(EngineUnavailable, match="Set VIDLIB_LEMONFOX_KEY"):
        speech_lemonfox.Lemonfox("cpu", Options())


# the engine


def engine(place: Answering, clock: Clock, **options: object) -> speech_lemonfox.Lemonfox:
    return speech_lemonfox.Lemonfox("cpu", Options(**options), Service(place.url, SecretStr(KEY), time=clock.time))


def test_the_form_asks_for_speakers_and_words(clock, tmp_path):
    with answering(says(200, FINE)) as place:
        engine(place, clock, language="english").diarize(SECOND, min_speakers=2, max_speakers=3)
    form = place.sent[0].form
    sound = form.pop("file")
    assert form == {
        "response_format": b"verbose_json",
        "speaker_labels": b"true",
        "timestamp_granularities[]": b"word",
        "min_speakers": b"2",
        "max_speakers": b"3",
        "language": b"english",
    }
    (tmp_path / "sound.flac").write_bytes(sound)
    np.testing.assert_allclose(read_waveform(tmp_path / "sound.flac"), SECOND, atol=1e-4)


def test_words_become_turns_and_segments_captions(clock):
    said = heard((0.2, 0.6, "B", "well"), (0.7, 0.9, "B", "yes"), (0.85, 9.0, "A", "no"))
    with answering(says(200, said)) as place:
        found = engine(place, clock).diarize(SECOND)
    assert found == Diarization(
        [Turn(0.2, 0.9, "SPEAKER_00"), Turn(0.85, 1.0, "SPEAKER_01")],
        [(0.2, 1.0)],
        (Caption(0.2, 0.6, "well"), Caption(0.7, 0.9, "yes"), Caption(0.85, 1.0, "no")),
    )


def test_words_of_one_speaker_that_nearly_touch_are_one_turn_whatever_is_asked(clock):
    said = heard((0.0, 0.3, "A", "one"), (0.44, 0.6, "A", "two"), (0.8, 1.0, "A", "three"))
    with answering(says(200, said)) as place:
        assert [turn.stop_s for turn in engine(place, clock, min_gap_s=0).diarize(SECOND).turns] == [0.6, 1.0]


def test_a_turn_below_the_least_length_names_nobody(clock):
    with answering(says(200, heard((0.0, 0.3, "A", "one"), (0.5, 0.55, "B", "x")))) as place:
        found = engine(place, clock).diarize(SECOND)
    assert [turn.speaker for turn in found.turns] == ["SPEAKER_00"]
    assert found.speech == [(0.0, 0.3), (0.5, 0.55)]


def test_speech_without_a_speaker_is_speech_of_nobody(clock):
    somebody = '{"start": 0.6, "end": 0.9, "text": "", "speaker": 7}'
    body = f'{{"segments": [{{"start": 0, "end": 0.5, "text": "hm"}}, {somebody}]}}'
    with answering(says(200, body)) as place:
        found = engine(place, clock).diarize(SECOND)
    assert found.turns == [Turn(0.6, 0.9, "SPEAKER_00")]
    assert found.speech == [(0.0, 0.5), (0.6, 0.9)]


def test_what_is_too_long_without_loss_is_sent_with_loss(clock, tmp_path, monkeypatch):
    monkeypatch.setattr(speech_lemonfox, "MAX_UPLOAD_BYTES", 10_000)
    with answering(says(200, FINE)) as place:
        engine(place, clock).diarize(SECOND)
    (tmp_path / "sound").write_bytes(place.sent[0].form["file"])
    ffprobe = [commands.find_program("ffprobe"), "-v", "error", "-show_streams", tmp_path / "sound"]
    assert "codec_name=opus" in commands.run(ffprobe, timeout_s=30).stdout
