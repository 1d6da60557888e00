"""The Lemonfox client and engine against a local server: requests, retries, messages; never the key."""

import json
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import pytest
from pydantic import SecretStr

from tests.engines.speech.lemonfox_server import FakeLemonfox, cuts_off, fake_lemonfox, never, replies_with, transcript
from vidlib.engines.speech import Options
from vidlib.engines.speech.lemonfox import api
from vidlib.engines.speech.lemonfox import engine as speech_lemonfox
from vidlib.engines.speech.lemonfox.api import MAX_ATTEMPTS, Client, Clock, Timeouts, Transcript
from vidlib.errors import EngineUnavailable, SettingError
from vidlib.machine import commands
from vidlib.media.audio import SAMPLE_RATE, read_waveform
from vidlib.protocols import Diarization
from vidlib.settings import settings
from vidlib.timeline import Turn, Word

KEY = "fox-0123456789-secret"
FINE = transcript((0.0, 1.0, "A", "hello there"), (1.5, 2.0, "B", "hi"))
SECOND = np.random.default_rng(0).normal(0, 0.1, SAMPLE_RATE).astype(np.float32)


@dataclass
class FakeTime:
    """Time that passes only in pauses, which it records."""

    now: float = 0.0
    pauses: list[float] = field(default_factory=list)

    def pause(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.now += seconds

    @property
    def clock(self) -> Clock:
        return Clock(lambda: self.now, lambda: self.now, self.pause, lambda: 0.5)


@pytest.fixture
def time() -> FakeTime:
    return FakeTime()


@pytest.fixture
def ask(time, monkeypatch) -> Callable[..., Transcript]:
    """``ask(server, ...)``: send some bytes to a server, with these timeouts."""
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)

    def transcribe(server: FakeLemonfox, sound: bytes = b"sound", **timeouts: float) -> Transcript:
        return Client(server.url, SecretStr(KEY), Timeouts(**timeouts), time.clock).transcribe("a.flac", sound, {})

    return transcribe


def refusal(ask: Callable[..., Transcript], server: FakeLemonfox, **timeouts: float) -> str:
    """The error of a request that fails; no part of its traceback contains the key."""
    with pytest.raises(EngineUnavailable) as caught:
        ask(server, **timeouts)
    shown = "".join(traceback.format_exception(caught.value))
    assert KEY not in shown + repr(caught.value)
    return str(caught.value)


# transient errors


def test_a_server_error_is_retried(ask, time):
    with fake_lemonfox(replies_with(500, "{}"), replies_with(503, "{}"), replies_with(200, FINE)) as server:
        assert [segment.speaker for segment in ask(server).segments] == ["A", "B"]
    assert len(server.requests) == 3
    assert time.pauses == [0.75, 1.5]


def test_the_whole_file_is_sent_again(ask):
    with fake_lemonfox(replies_with(500, "{}"), replies_with(200, FINE)) as server:
        ask(server, sound=b"x" * 200_000)
    assert [len(request.form["file"]) for request in server.requests] == [200_000, 200_000]


@pytest.mark.parametrize(
    ("retry_after", "pause_s"), [("7", 7), ("Thu, 01 Jan 1970 00:00:42 GMT", 42), ("Mon, 01 Jan 1900 00:00:00 GMT", 0)]
)
def test_the_client_waits_as_long_as_the_server_requests(ask, time, retry_after, pause_s):
    with fake_lemonfox(replies_with(429, "{}", Retry_After=retry_after), replies_with(200, FINE)) as server:
        ask(server)
    assert time.pauses == [pause_s]


def test_a_malformed_retry_after_is_ignored(ask, time):
    with fake_lemonfox(replies_with(429, "{}", Retry_After="soon"), replies_with(200, FINE)) as server:
        ask(server)
    assert time.pauses == [0.75]


def test_a_pause_beyond_the_total_time_is_not_started(ask, time):
    with fake_lemonfox(replies_with(429, "{}", Retry_After="86400")) as server:
        assert "answered 429; attempts: 1" in refusal(ask, server)
    assert time.pauses == []


def test_a_lost_connection_is_retried(ask):
    with fake_lemonfox(cuts_off(FINE), replies_with(200, FINE)) as server:
        assert len(ask(server).segments) == 2


def test_a_missing_response_times_out(ask, time):
    with fake_lemonfox(never) as server:
        assert f"did not answer in time (ReadTimeout); attempts: {MAX_ATTEMPTS}" in refusal(ask, server, socket_s=0.05)
    assert time.pauses == [0.75, 1.5, 3.0, 6.0]


def test_a_refused_connection_is_reported(ask):
    with fake_lemonfox(never) as server:
        pass
    assert "the connection to lemonfox failed" in refusal(ask, server)


def test_the_total_time_is_limited(ask, time):
    def slowly(handler):
        time.now += 61
        replies_with(200, FINE)(handler)

    with fake_lemonfox(slowly) as server:
        assert refusal(ask, server, total_s=60) == "lemonfox took longer than 60 s in all"


# permanent errors


@pytest.mark.parametrize(
    ("status", "message"),
    [
        (401, "refused the key (401): correct VIDLIB_LEMONFOX_KEY"),
        (413, "too long for lemonfox (413); it accepts 100 MB"),
        (400, "answered 400: bad"),
        (302, "answered 302"),
    ],
)
def test_a_permanent_error_is_not_retried(ask, time, status, message):
    with fake_lemonfox(
        replies_with(status, f"bad {KEY}", Location="http://127.0.0.1:1/"), replies_with(200, FINE)
    ) as server:
        assert message in refusal(ask, server)
    assert (len(server.requests), time.pauses) == (1, [])


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
def test_an_unexpected_response_is_quoted_in_short(ask, body, content_type):
    with fake_lemonfox(replies_with(200, body, content_type)) as server:
        message = refusal(ask, server)
    assert message.startswith("the response of lemonfox is not the expected JSON")
    assert len(message) < 500
    assert len(server.requests) == 1


def test_an_endless_response_is_not_read_to_its_end(ask, monkeypatch):
    monkeypatch.setattr(api, "MAX_RESPONSE_BYTES", 1_000_000)
    with fake_lemonfox(replies_with(200, " " * 2_000_000)) as server:
        assert refusal(ask, server) == "the response of lemonfox is longer than 1 MB"


def test_a_file_that_is_too_large_is_not_sent(ask, monkeypatch):
    monkeypatch.setattr(api, "MAX_UPLOAD_BYTES", 3)
    with fake_lemonfox(replies_with(200, FINE)) as server:
        assert "too long for lemonfox: 0 MB; it accepts 0 MB. Cut the video" in refusal(ask, server)
    assert server.requests == []


# the key


@pytest.mark.parametrize("key", ["", "two words", "ligne\nHost: x", "clé"])
def test_a_malformed_key_is_not_shown(key):
    with pytest.raises(SettingError) as caught:
        Client("https://api.example", SecretStr(key))
    assert not key or key not in str(caught.value)


@pytest.mark.parametrize("url", ["http://api.lemonfox.ai/x", "ftp://127.0.0.1/", "https://a:b@host/", "https://", "x"])
def test_the_key_goes_nowhere_unencrypted(url):
    with pytest.raises(SettingError, match="VIDLIB_LEMONFOX_URL"):
        Client(url, SecretStr(KEY))


def test_the_key_is_in_its_header_alone(ask, caplog):
    caplog.set_level("DEBUG")
    with fake_lemonfox(replies_with(200, FINE)) as server:
        ask(server)
    assert server.requests[0].headers["Authorization"] == f"Bearer {KEY}"
    assert KEY.encode() not in b"".join(server.requests[0].form.values())
    assert KEY not in caplog.text


def test_without_a_key_the_engine_says_what_to_set(monkeypatch, workspace):
    monkeypatch.delenv("VIDLIB_LEMONFOX_KEY", raising=False)
    settings.cache_clear()
    with pytest.raises(EngineUnavailable, match="Set VIDLIB_LEMONFOX_KEY"):
        speech_lemonfox.Lemonfox(Options())


# the engine


def engine(server: FakeLemonfox, time: FakeTime, **options: object) -> speech_lemonfox.Lemonfox:
    return speech_lemonfox.Lemonfox(Options(**options), Client(server.url, SecretStr(KEY), clock=time.clock))


def test_the_form_asks_for_speakers_and_words(time, tmp_path):
    with fake_lemonfox(replies_with(200, FINE)) as server:
        engine(server, time, language="english").diarize(SECOND, min_speakers=2, max_speakers=3)
    form = server.requests[0].form
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


def test_words_become_turns_and_keep_the_punctuation_of_their_segment(time):
    body = transcript((0.2, 0.6, "B", "well"), (0.7, 0.9, "B", "yes"), (0.85, 9.0, "A", "no"))
    with fake_lemonfox(replies_with(200, body)) as server:
        diarization = engine(server, time).diarize(SECOND)
    assert diarization == Diarization(
        [Turn(0.2, 0.9, "SPEAKER_00"), Turn(0.85, 1.0, "SPEAKER_01")],
        [(0.2, 1.0)],
        (
            Word(0.2, 0.6, "well", "SPEAKER_00"),
            Word(0.7, 0.9, "yes", "SPEAKER_00"),
            Word(0.85, 1.0, "no", "SPEAKER_01"),
        ),
    )


def test_a_segment_without_words_is_a_line_of_text(time):
    with fake_lemonfox(
        replies_with(200, '{"segments": [{"start": 0, "end": 0.5, "text": " Well,  yes. "}]}')
    ) as server:
        assert engine(server, time).diarize(SECOND).words == (Word(0, 0.5, "Well, yes."),)


def test_words_get_the_signs_of_the_text_if_it_has_as_many_parts(time):
    words = [{"word": "well", "start": 0, "end": 0.2}, {"word": "yes", "start": 0.3, "end": 0.5}]
    segment = {"start": 0, "end": 0.5, "text": "Well, yes.", "words": words}
    with fake_lemonfox(replies_with(200, json.dumps({"segments": [segment]}))) as server:
        assert [word.text for word in engine(server, time).diarize(SECOND).words] == ["Well,", "yes."]


def test_words_of_one_speaker_that_nearly_touch_are_one_turn_with_any_options(time):
    body = transcript((0.0, 0.3, "A", "one"), (0.44, 0.6, "A", "two"), (0.8, 1.0, "A", "three"))
    with fake_lemonfox(replies_with(200, body)) as server:
        assert [turn.stop_s for turn in engine(server, time, min_gap_s=0).diarize(SECOND).turns] == [0.6, 1.0]


def test_a_turn_below_the_least_length_names_nobody(time):
    with fake_lemonfox(replies_with(200, transcript((0.0, 0.3, "A", "one"), (0.5, 0.55, "B", "x")))) as server:
        diarization = engine(server, time).diarize(SECOND)
    assert [turn.speaker for turn in diarization.turns] == ["SPEAKER_00"]
    assert diarization.speech == [(0.0, 0.3), (0.5, 0.55)]


def test_speech_without_a_speaker_is_unnamed(time):
    somebody = '{"start": 0.6, "end": 0.9, "text": "", "speaker": 7}'
    body = f'{{"segments": [{{"start": 0, "end": 0.5, "text": "hm"}}, {somebody}]}}'
    with fake_lemonfox(replies_with(200, body)) as server:
        diarization = engine(server, time).diarize(SECOND)
    assert diarization.turns == [Turn(0.6, 0.9, "SPEAKER_00")]
    assert diarization.speech == [(0.0, 0.5), (0.6, 0.9)]


def test_silence_follows_a_sound_below_the_smallest_block_of_flac(tmp_path):
    sound = speech_lemonfox.encode(SECOND[1000:1005], tmp_path)
    np.testing.assert_allclose(read_waveform(sound), [*SECOND[1000:1005], *[0] * 11], atol=1e-4)


def test_a_sound_too_long_for_flac_is_sent_as_opus(time, tmp_path, monkeypatch):
    monkeypatch.setattr(speech_lemonfox, "MAX_UPLOAD_BYTES", 10_000)
    with fake_lemonfox(replies_with(200, FINE)) as server:
        engine(server, time).diarize(SECOND)
    (tmp_path / "sound").write_bytes(server.requests[0].form["file"])
    ffprobe = [commands.find_program("ffprobe"), "-v", "error", "-show_streams", tmp_path / "sound"]
    assert "codec_name=opus" in commands.run(ffprobe, timeout_s=30).stdout
