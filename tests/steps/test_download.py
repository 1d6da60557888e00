"""download: the step around `vidlib.ingest.providers.download`."""

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.ingest import faulty_server
from vidlib.errors import BrokenOutput, NeedsOperator, RefusedInput
from vidlib.settings import settings
from vidlib.steps import download
from vidlib.steps.base import Manifest, Step, fingerprint_of

FILM = b"\0\0\0\x18ftypmp42" + os.urandom(100_000)
SHA256 = hashlib.sha256(FILM).hexdigest()


@pytest.fixture
def server() -> Iterator[faulty_server.Server]:
    with faulty_server.running() as found:
        yield found


@pytest.fixture(autouse=True)
def allowed(workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VIDLIB_ALLOW_PRIVATE_HOSTS", faulty_server.HOST)
    monkeypatch.setenv("VIDLIB_MIN_FREE_BYTES", "0")
    settings.cache_clear()


def inputs_of(tmp_path: Path, *links: str, out: str = "step") -> download.Inputs:
    return download.Inputs(url=links[-1], links=links, keep_dir=tmp_path / "arriving", out_dir=tmp_path / out)


def test_the_file_and_its_record_are_left(server, tmp_path):
    said = []
    inputs = inputs_of(tmp_path, server.page("/film.mp4", lambda request: request.file(FILM)))
    outputs = download.run(inputs, download.Params(), report=lambda done, total: said.append((done, total)))
    assert outputs.file == inputs.out_dir / "film.mp4"
    assert (outputs.sha256, outputs.size, outputs.resumed_at, outputs.engine) == (SHA256, len(FILM), 0, "https")
    assert said[-1] == (len(FILM), len(FILM))
    assert Manifest.read(inputs.out_dir).files["film.mp4"].sha256 == SHA256
    assert Step(download).outputs(inputs.out_dir) == outputs
    assert list(inputs.keep_dir.iterdir()) == []


def test_an_attempt_that_was_cut_off_is_gone_on_with_in_another_folder(server, tmp_path, monkeypatch):
    monkeypatch.setenv("VIDLIB_DOWNLOAD_ATTEMPTS", "1")
    settings.cache_clear()
    url = server.pages_in_turn(
        "/film.mp4", lambda request: request.file(FILM, upto=1000), faulty_server.redirect("ftp://h.example/")
    )
    with pytest.raises(RefusedInput, match="ftp"):
        download.run(inputs_of(tmp_path, url), download.Params())
    server.page("/film.mp4", lambda request: request.file(FILM))
    outputs = download.run(inputs_of(tmp_path, url, out="again"), download.Params())
    assert (outputs.sha256, outputs.resumed_at) == (SHA256, 1000)


def test_where_it_is_asked_for_does_not_make_it_another_result(tmp_path):
    step, params = Step(download), download.Params()
    link = "https://h.example/film.mp4"
    plain = fingerprint_of(step.ingredients(inputs_of(tmp_path, link), params))
    assert fingerprint_of(step.ingredients(inputs_of(tmp_path, "https://r2.example/copy.mp4", link), params)) == plain
    assert fingerprint_of(step.ingredients(inputs_of(tmp_path, f"{link}?v=2"), params)) != plain


def test_what_only_a_person_can_download_stops_the_step_with_the_link(tmp_path):
    inputs = inputs_of(tmp_path, "https://we.tl/t-1")
    with pytest.raises(NeedsOperator, match=r"https://we\.tl/… \(link-\w+\)"):
        download.run(inputs, download.Params())
    assert list(inputs.out_dir.iterdir()) == []


def test_a_file_that_changed_breaks_the_promise(server, tmp_path):
    inputs = inputs_of(tmp_path, server.page("/film.mp4", lambda request: request.file(FILM)))
    outputs = download.run(inputs, download.Params())
    outputs.file.write_bytes(FILM[::-1])
    with pytest.raises(BrokenOutput, match="changed or cut"):
        download.verify(inputs, outputs)
