"""Services that offer files, each as a server of this machine that answers as it does."""

import hashlib
import json

import pytest

from tests.ingest import faulty_server
from vidlib.errors import DownloadFailed, NeedsOperator, RefusedInput
from vidlib.ingest.addresses import AddressPolicy
from vidlib.ingest.fetch import DownloadRules, RemoteFile, Timing
from vidlib.ingest.providers import MANUAL_PROVIDERS, PROVIDERS, ServiceUrls, download, locate, provider_of

RULES = DownloadRules(policy=AddressPolicy(frozenset({faulty_server.HOST})), free_bytes=0, attempts=1)
MEANS = Timing(pause=lambda seconds: None)
TRANSFER = "01234567-89ab-cdef-0123-456789abcdef"
FILM = b"\0\0\0\x18ftypmp42" + bytes(1000)


def answering(document: object, status: str = "200 OK"):
    """A page that is a JSON document."""
    return lambda request: request.answer(status, json.dumps(document).encode(), content_type="application/json")


@pytest.fixture
def service_urls(server) -> ServiceUrls:
    here = dict.fromkeys(ServiceUrls.__dataclass_fields__, server.base)
    return ServiceUrls(**here)


def asked(link: str, service_urls: ServiceUrls | None = None) -> RemoteFile:
    return locate(link, RULES, service_urls or ServiceUrls(), MEANS)


@pytest.mark.parametrize(
    ("link", "name"),
    [
        ("https://www.dropbox.com/scl/fi/x/a.zip?dl=0", "dropbox"),
        ("https://WWW.SwissTransfer.com/d/x", "swisstransfer"),
        ("https://fromsmash.com/abc", "fromsmash"),
        ("https://studio.fromsmash.com/abc", "fromsmash"),
        ("https://we.tl/t-abc", "wetransfer"),
        ("https://notdropbox.com/a.zip", "https"),
        ("http://files.example.org/a.zip", "https"),
    ],
)
def test_the_host_decides_the_provider(link, name):
    assert provider_of(link).name == name


@pytest.mark.parametrize("path", ["s/x/a.zip", "sh/x/y", "scl/fi/x/a.zip", "scl/fo/x/y"])
def test_files_and_folders_of_dropbox_are_asked_for_as_downloads(path):
    found = asked(f"https://www.dropbox.com/{path}?rlkey=k&amp;dl=0&st=1")
    assert found == RemoteFile(f"https://www.dropbox.com/{path}?rlkey=k&st=1&dl=1")


def test_a_page_of_dropbox_is_left_to_a_person():
    with pytest.raises(NeedsOperator, match="no shared file or folder of Dropbox"):
        asked("https://www.dropbox.com/t/abcdef")


@pytest.mark.parametrize(
    "known", [known for known in PROVIDERS if known.name in MANUAL_PROVIDERS], ids=lambda known: known.name
)
def test_a_manual_provider_is_an_error_with_the_link(known):
    with pytest.raises(NeedsOperator, match=rf"https://{known.hosts[0]}/… \(link-\w+\): .* into the inbox"):
        asked(f"https://{known.hosts[0]}/some/thing")


def swiss(server, files: list[dict], **container: object) -> None:
    data = {"downloadHost": "dl-1.swisstransfer.com", "container": {"needPassword": 0, "files": files, **container}}
    server.page(f"/api/links/{TRANSFER}", answering({"result": "success", "data": data}))


def test_the_only_file_of_a_swisstransfer_arrives_under_its_name(server, service_urls, tmp_path):
    swiss(server, [{"UUID": "f1", "fileName": "Vidéo 1.mp4", "fileSizeInBytes": len(FILM)}])
    server.page(f"/api/download/{TRANSFER}/f1", lambda request: request.file(FILM))
    links = (f"https://www.swisstransfer.com/d/{TRANSFER}",)
    fetched = download(links, tmp_path, RULES, service_urls=service_urls, timing=MEANS)
    assert (fetched.path, fetched.sha256) == (tmp_path / "Vidéo 1.mp4", hashlib.sha256(FILM).hexdigest())


def test_several_files_of_a_swisstransfer_come_as_one_archive(server, service_urls):
    swiss(server, [{"UUID": "f1", "fileName": "a.mp4"}, {"UUID": "f2", "fileName": "b.mp4"}])
    found = asked(f"https://www.swisstransfer.com/d/{TRANSFER}", service_urls)
    assert found == RemoteFile(f"{server.base}/api/download/{TRANSFER}", name="swisstransfer-01234567.zip")


def test_a_swisstransfer_with_a_password_is_left_to_a_person(server, service_urls):
    swiss(server, [], needPassword=1)
    with pytest.raises(NeedsOperator, match="needs a password"):
        asked(f"https://www.swisstransfer.com/d/{TRANSFER}", service_urls)
    server.page(f"/api/links/{TRANSFER}", answering({"message": "need_password"}, "401 Unauthorized"))
    with pytest.raises(NeedsOperator, match="needs a password"):
        asked(f"https://www.swisstransfer.com/d/{TRANSFER}", service_urls)


def test_an_expired_swisstransfer_and_a_wrong_link_are_named(service_urls):
    with pytest.raises(DownloadFailed, match="answered 404"):
        asked(f"https://www.swisstransfer.com/d/{TRANSFER}", service_urls)
    with pytest.raises(RefusedInput, match="expected a link of SwissTransfer"):
        asked("https://www.swisstransfer.com/help", service_urls)


@pytest.mark.parametrize("document", [{}, {"data": {}}, {"data": {"container": {}}}, {"data": {"container": 1}}, [1]])
def test_a_service_that_has_changed_is_left_to_a_person(server, service_urls, document):
    server.page(f"/api/links/{TRANSFER}", answering(document))
    with pytest.raises(NeedsOperator, match="the answer of the service has changed"):
        asked(f"https://www.swisstransfer.com/d/{TRANSFER}", service_urls)


def smash(server, transfer: dict) -> None:
    server.page("/namespace/public/services", answering({"region": "eu-central-1"}))
    server.page("/account", answering({"account": {"token": {"token": "guest"}}}, "201 Created"))
    server.page("/target/fromsmash.com%2Fabc", answering({"target": {"region": "eu-west-3", "target": "t/1"}}))
    server.page("/transfer/t%2F1/preview", answering({"transfer": transfer}))


def test_a_fromsmash_is_asked_for_as_its_page_does(server, service_urls):
    smash(server, {"title": "Rushes", "download": f"{server.base}/zip?Signature=x"})
    assert asked("https://fromsmash.com/abc", service_urls) == RemoteFile(
        f"{server.base}/zip?Signature=x", name="Rushes.zip"
    )
    account = next(request for request in server.asked if request.path == "/account")
    preview = next(request for request in server.asked if "preview" in request.path)
    assert (account.method, account.body) == ("POST", b"{}")
    assert preview.headers["authorization"] == "Bearer guest"


def test_a_fromsmash_with_a_password_is_left_to_a_person(server, service_urls):
    smash(server, {"title": "Rushes"})
    with pytest.raises(NeedsOperator, match=r"https://fromsmash\.com/…: it needs a password"):
        asked("https://fromsmash.com/abc", service_urls)


def test_a_region_never_becomes_another_host(server, service_urls):
    smash(server, {})
    server.page("/namespace/public/services", answering({"region": "x.evil.example/"}))
    with pytest.raises(NeedsOperator, match="no region"):
        asked("https://fromsmash.com/abc", service_urls)


def test_the_copy_is_asked_first_and_the_source_is_the_fallback(server, service_urls, tmp_path):
    copy = server.page("/copy.mp4", lambda request: request.answer("404 Not Found"))
    source = server.page("/source.mp4", lambda request: request.file(FILM))
    fetched = download((copy, source), tmp_path, RULES, service_urls=service_urls, timing=MEANS)
    assert [request.path for request in server.asked] == ["/copy.mp4", "/source.mp4"]
    assert fetched.path.name == "source.mp4"


def test_a_copy_makes_a_person_needless(server, service_urls, tmp_path):
    copy = server.page("/copy.mp4", lambda request: request.file(FILM))
    assert (
        download((copy, "https://we.tl/t-1"), tmp_path, RULES, service_urls=service_urls, timing=MEANS).path.name
        == "copy.mp4"
    )


def test_the_partial_file_of_a_copy_is_removed_after_the_source_succeeded(server, service_urls, tmp_path):
    copy = server.page("/copy.mp4", lambda request: request.file(FILM, upto=100))
    server.pages_in_turn("/copy.mp4", lambda request: request.file(FILM, upto=100), faulty_server.redirect("ftp://x/"))
    source = server.page("/source.mp4", lambda request: request.file(FILM))
    fetched = download((copy, source), tmp_path, RULES, service_urls=service_urls, timing=MEANS)
    assert list(tmp_path.iterdir()) == [fetched.path]


def test_if_every_link_fails_the_error_names_every_reason(server, service_urls, tmp_path):
    with pytest.raises(NeedsOperator, match=r"we\.tl gives files to people only.*; before: .*/copy\.mp4: answered 404"):
        download(
            (f"{server.base}/copy.mp4", "https://we.tl/t-1"), tmp_path, RULES, service_urls=service_urls, timing=MEANS
        )
