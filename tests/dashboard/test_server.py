"""What the dashboard's server gives to whom: a real server, asked over HTTP."""

import asyncio
import itertools
import re
import socket
import time
from collections.abc import Iterator
from contextlib import closing
from types import SimpleNamespace

import httpx
import nbformat
import pytest
from pydantic import SecretStr
from tornado.ioloop import IOLoop

from tests.dashboard.conftest import Dashboard, serving
from tests.dashboard.processes import processes_of
from tests.waiting import LIMIT_S
from vidlib.dashboard import access, server
from vidlib.errors import SettingError
from vidlib.machine import load_history
from vidlib.runner.store.models import Task
from vidlib.runner.store.runs import History
from vidlib.setting_types import Account
from vidlib.settings import load

pytestmark = pytest.mark.slow

REPORT = "results/runs/run-1/clip/report.html"
NOTEBOOK = "results/work/ab12/scenes-12/04_scenes.ipynb"
VIDEO = "vidlib/video/0123456789abcdef/convert-0123456789ab/video.mp4"
SHELF = "results/runs/index.html"
ADDRESSES = itertools.count(2)
KERNEL = "api/kernels/00000000-0000-4000-8000-000000000000"
UPGRADE = {
    "Connection": "Upgrade",
    "Upgrade": "websocket",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
}


@pytest.fixture(scope="module")
def results(dashboard) -> None:
    """A report and a step notebook in the workspace, and a file that nobody may have."""
    report = dashboard.settings.runs / "run-1" / "clip" / "report.html"
    notebook = dashboard.settings.work / "ab12" / "scenes-12" / "04_scenes.ipynb"
    for file in (report, notebook):
        file.parent.mkdir(parents=True)
    report.write_text('<html lang="fr"><h1>le rapport</h1></html>')
    (dashboard.settings.runs / "run-1" / "clip" / "evidence.json").write_text("{}")
    video = dashboard.settings.work.joinpath(*VIDEO.split("/")[2:])
    video.parent.mkdir(parents=True)
    video.write_bytes(bytes(range(256)))
    (video.parent / "outputs.json").write_text("{}")
    (dashboard.settings.workspace / "elsewhere.mp4").write_bytes(b"nobody may have this")
    (video.parent / "link.mp4").symlink_to(dashboard.settings.workspace / "elsewhere.mp4")
    output = nbformat.v4.new_output("stream", text="3 shots")
    nbformat.write(
        nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("print(found)", outputs=[output])]), notebook
    )


@pytest.fixture
def stranger(dashboard, results) -> Iterator[httpx.Client]:
    """Somebody without the token, at an address of their own: what others typed does not count for it."""
    with client_at(dashboard, f"127.0.0.{next(ADDRESSES)}") as client:
        yield client


@pytest.fixture(scope="module")
def shared(tmp_path_factory) -> Iterator[Dashboard]:
    """A dashboard of several people, which a proxy serves as studio.example."""
    tokens = {"VIDLIB_DASHBOARD_TOKENS": "Anna:operator:anna-1, marc:viewer:marc-1"}
    workspace = tmp_path_factory.mktemp("shared") / "workspace"
    yield from serving(workspace, **tokens, VIDLIB_DASHBOARD_HOSTS="Studio.example")


def client_at(dashboard: Dashboard, address: str) -> httpx.Client:
    """A client with an address of this machine."""
    transport = httpx.HTTPTransport(local_address=address)
    return httpx.Client(base_url=dashboard.url, transport=transport, timeout=LIMIT_S)


@pytest.fixture
def operator(dashboard, results) -> Iterator[httpx.Client]:
    """Somebody who signed in with the form."""
    with httpx.Client(base_url=dashboard.url, timeout=LIMIT_S) as client:
        answer = sign_in(client, dashboard.token)
        assert (answer.status_code, answer.headers["location"]) == (302, "/")
        yield client


def sign_in(client: httpx.Client, typed: str, **more: str) -> httpx.Response:
    """Open the form and send it."""
    client.get("login")
    return client.post("login", data={"password": typed, "_xsrf": client.cookies["_xsrf"], **more})


@pytest.mark.parametrize(
    "path", ["", "video", "control.ipynb", REPORT, NOTEBOOK, SHELF, VIDEO, "results/anything", KERNEL]
)
def test_nothing_is_shown_without_the_token(stranger, path):
    answer = stranger.get(path)
    assert answer.status_code in (302, 403)
    assert answer.headers.get("location", "/login").startswith("/login")


@pytest.mark.parametrize("path", ["", REPORT, NOTEBOOK])
def test_a_wrong_token_opens_nothing(stranger, path):
    assert stranger.get(path, params={"token": "wrong"}).status_code == 302
    assert stranger.get(path, headers={"Authorization": "token wrong"}).status_code == 302


def test_no_kernel_is_reached_or_stopped_without_the_token(stranger):
    assert stranger.get(f"{KERNEL}/channels", headers=UPGRADE).status_code == 403
    assert stranger.post(f"voila/api/shutdown/{KERNEL.rpartition('/')[2]}").status_code in (302, 403)
    assert stranger.delete(KERNEL).status_code in (302, 403)


def test_a_wrong_token_in_the_form_says_so(stranger):
    answer = sign_in(stranger, "wrong")
    assert answer.status_code == 401
    assert "This token is wrong" in answer.text


def test_an_address_without_a_page_says_so_with_a_way_back(operator):
    answer = operator.get("nothing/here.html")
    assert answer.status_code == 404
    assert "Back to the dashboard" in answer.text


def test_the_doors_speak_the_language_of_the_browser(stranger):
    french = {"Accept-Language": "fr-CH, en;q=0.8"}
    page = stranger.get("login", headers=french).text
    assert '<html lang="fr">' in page and "<button>Se connecter</button>" in page
    assert "<button>Sign in</button>" in stranger.get("login").text


def test_the_form_sets_no_password(stranger, dashboard):
    assert sign_in(stranger, dashboard.token, new_password="mine").status_code == 302
    with httpx.Client(base_url=dashboard.url) as other:
        assert sign_in(other, "mine").status_code == 401


def test_another_site_cannot_send_the_form(stranger, dashboard):
    assert stranger.post("login", data={"password": dashboard.token}).status_code == 403


def test_the_token_leaves_the_address(stranger, dashboard):
    answer = stranger.get("", params={"token": dashboard.token})
    assert (answer.status_code, answer.headers["location"]) == (302, "/")
    assert "samesite=lax" in answer.headers["set-cookie"].lower()
    assert "httponly" in answer.headers["set-cookie"].lower()


def test_a_report_can_show_pictures_and_do_nothing(operator):
    answer = operator.get(REPORT)
    shown = '<html class="vr-served" lang="fr"><h1>le rapport</h1></html>'  # with links into the player
    assert (answer.status_code, answer.text) == (200, shown)
    policy = answer.headers["content-security-policy"]
    assert policy.startswith("sandbox ")
    assert "allow-scripts" not in policy
    assert "default-src 'none'" in policy
    assert "img-src data:" in policy


def test_the_page_of_all_reports_is_current_and_runs_its_own_script_alone(operator, dashboard):
    with History(dashboard.settings.database) as history:
        run = history.start_run([dashboard.settings.inbox / "clip.mp4"], {})
        history.add_tasks([Task(run_id=run.id, label="a new clip", project="clip", sha256="ab" * 32, step="report")])
    answer = operator.get(SHELF)
    assert answer.status_code == 200
    assert "a new clip" in answer.text
    policy = answer.headers["content-security-policy"]
    assert policy.startswith("sandbox allow-scripts ")
    assert "allow-same-origin" not in policy
    assert "default-src 'none'" in policy
    (source,) = re.findall(r"script-src ('sha256-[^']+')", policy)
    assert f"script-src {source}" in answer.text  # the policy of the page itself


def test_a_video_comes_in_the_parts_that_a_browser_asks_for(operator):
    answer = operator.get(VIDEO, headers={"Range": "bytes=10-19"})
    assert (answer.status_code, answer.content) == (206, bytes(range(10, 20)))
    assert answer.headers["content-range"] == "bytes 10-19/256"
    assert answer.headers["content-type"] == "video/mp4"
    assert operator.head(VIDEO).headers["content-length"] == "256"


@pytest.mark.parametrize("name", ["link.mp4", "outputs.json", "missing.mp4", "..%2f..%2f..%2felsewhere.mp4", "."])
def test_nothing_but_videos_of_the_workspace_is_served(operator, name):
    answer = operator.get(VIDEO.replace("video.mp4", name))
    assert answer.status_code in (403, 404)
    assert b"nobody may have this" not in answer.content


def test_a_step_notebook_is_a_page_that_can_do_nothing(operator):
    answer = operator.get(NOTEBOOK)
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/html")
    assert answer.headers["content-security-policy"].startswith("sandbox ")
    assert "3 shots" in answer.text


@pytest.mark.parametrize(
    "path",
    [
        "results/runs/run-1/clip/evidence.json",
        "results/runs/run-1/none/report.html",
        "results/runs/../../vidlib.sqlite",
        "results/runs/..%2f..%2fvidlib.sqlite",
        "results/runs/%2e%2e/%2e%2e/report.html",
        "results/work/%2e%2e/%2e%2e/any.ipynb",
        "results/work/ab12/scenes-12/missing.ipynb",
        "voila/files/control.ipynb",
    ],
)
def test_only_reports_and_step_notebooks_are_shown(operator, path):
    answer = operator.get(path, follow_redirects=True)
    assert answer.status_code in (403, 404)


def test_a_link_out_of_the_work_folder_is_not_followed(operator, dashboard):
    outside = dashboard.settings.workspace / "secret.ipynb"
    nbformat.write(nbformat.v4.new_notebook(), outside)
    (dashboard.settings.work / "ab12" / "scenes-12" / "linked.ipynb").symlink_to(outside)
    assert operator.get("results/work/ab12/scenes-12/linked.ipynb").status_code == 404


def test_a_second_dashboard_on_a_port_says_that_it_is_taken():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(SettingError, match=f"cannot listen on port {port} of 127.0.0.1.*running already"):
            server.serve(load(dashboard_port=port))


def test_the_load_is_recorded_while_it_serves(workspace, monkeypatch):
    file = load_history.file_in(workspace.workspace / "logs")

    async def recorded() -> None:
        while not load_history.read(file, time.time()):
            await asyncio.sleep(0.01)

    app = SimpleNamespace(
        initialize=lambda _: None,
        start=lambda: IOLoop.current().run_sync(recorded, timeout=LIMIT_S),
        kernel_manager=SimpleNamespace(prepare_spare=lambda: None),
    )
    monkeypatch.setattr(server, "Dashboard", lambda config: app)
    monkeypatch.setattr(server, "export", lambda _: None)
    monkeypatch.setattr(load_history, "EVERY_S", 0.01)
    with closing(asyncio.new_event_loop()) as loop:
        asyncio.set_event_loop(loop)  # Python 3.12 and 3.13 warn where there is none
        server.serve(workspace.model_copy(update={"dashboard_port": 0}))
    asyncio.set_event_loop(None)
    assert file.exists()


def test_a_public_address_needs_a_token_of_the_operators_own():
    with pytest.raises(SettingError, match="VIDLIB_DASHBOARD_TOKEN"):
        access.accounts(load(dashboard_host="0.0.0.0", dashboard_token=None))
    own = load(dashboard_host="0.0.0.0", dashboard_token=SecretStr("long enough"))
    assert [account.token for account in access.accounts(own)] == ["long enough"]


def test_a_random_token_is_long_and_never_the_same():
    (first,), (second,) = (access.accounts(load(dashboard_token=None)) for _ in range(2))
    assert first.token != second.token
    assert len(first.token) >= 32


def test_a_token_of_the_operators_own_is_not_printed():
    own, others = load(dashboard_token=SecretStr("secret")), load(dashboard_tokens=SecretStr("marc:viewer:secret"))
    assert "secret" not in server.sign_in_address(own, 80, access.accounts(own))
    assert "secret" not in server.sign_in_address(others, 80, access.accounts(others))
    random = (Account("operator", "operator", "random"),)
    assert server.sign_in_address(load(dashboard_token=None), 80, random) == "http://127.0.0.1:80/?token=random"


def test_signing_out_ends_what_the_browser_may_see(operator):
    assert operator.get(REPORT).status_code == 200
    kept = dict(operator.cookies)
    answer = operator.get("logout")
    assert answer.status_code == 200
    assert "You are signed out" in answer.text
    assert operator.get(REPORT).status_code == 302
    operator.cookies.update(kept)
    assert operator.get(REPORT).status_code == 302


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example:80", "192.0.2.7", "[2001:db8::1]:80"])
@pytest.mark.parametrize("path", ["", "login", VIDEO, f"{KERNEL}/channels", "voila/static/voila.js"])
def test_a_name_that_is_not_its_own_reaches_nothing(dashboard, stranger, host, path):
    answer = stranger.get(path, params={"token": dashboard.token}, headers={"Host": host})
    assert answer.status_code == 403
    assert "VIDLIB_DASHBOARD_HOSTS" in answer.text
    assert "set-cookie" not in answer.headers


@pytest.mark.parametrize("host", ["localhost:9", "127.0.0.1", "[::1]:8866", "studio.example", "STUDIO.example:443"])
def test_its_own_names_and_those_of_the_settings_are_answered(shared, host):
    assert httpx.get(f"{shared.url}login", headers={"Host": host}).status_code == 200


def test_guesses_of_the_token_soon_have_to_wait(dashboard):
    with client_at(dashboard, "127.0.1.1") as guessing:
        guesses = [guessing.get("", params={"token": f"guess {n}"}).status_code for n in range(access.WRONG_TOKENS + 2)]
        assert guesses == [302] * access.WRONG_TOKENS + [429, 429]
        answer = sign_in(guessing, dashboard.token)
        assert answer.status_code == 429
        assert "Try again in 6 s" in answer.text
    with client_at(dashboard, "127.0.1.2") as another:
        assert sign_in(another, dashboard.token).status_code == 302


def test_guesses_from_the_same_address_do_not_disturb_who_is_signed_in(dashboard, results):
    with client_at(dashboard, "127.0.1.3") as signed_in:
        assert sign_in(signed_in, dashboard.token).status_code == 302
        for _ in range(access.WRONG_TOKENS + 1):
            answer = signed_in.get(REPORT, params={"token": "wrong"})
        assert answer.status_code == 200


def test_a_viewer_opens_a_page_and_no_page_of_another(shared):
    viewer, operator = (client_at(shared, f"127.0.2.{n}") for n in (1, 2))
    with viewer, operator:
        assert viewer.get("", params={"token": "marc-1"}).status_code == 302
        assert sign_in(operator, "anna-1").status_code == 302
        page = viewer.get("").text
        (kernel,) = set(re.findall(r'"kernel":\s*"([0-9a-f-]{36})"', page))
        for process in processes_of(shared.settings.workspace):
            assert not {"marc-1", "anna-1"} & set(process.environ().values())
        assert viewer.get(f"api/kernels/{kernel}").status_code == 200
        assert operator.get(f"api/kernels/{kernel}").status_code == 403
        assert operator.get(f"api/kernels/{kernel}/channels", headers=UPGRADE).status_code == 403
        ended = viewer.post(f"voila/api/shutdown/{kernel}", data={"_xsrf": viewer.cookies["_xsrf"]})
        assert ended.status_code == 204  # what a browser sends when a page is closed
