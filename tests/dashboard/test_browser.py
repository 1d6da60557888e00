"""The dashboard as an operator uses it: in a real browser, from signing in to the report of a run."""

import time
from collections.abc import Iterator

import psutil
import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests import browsers, finished, sample_media
from tests.browsers import NEEDS_CHROMIUM, axe_script, serious_problems, visitor
from tests.dashboard.conftest import Dashboard
from tests.player.viewer import Viewer, corrects_by_keyboard, finished_talk, moves_frame_by_frame
from tests.results import pages
from tests.waiting import wait_until
from vidlib.files import sha256
from vidlib.ingest.offers import DownloadOffer
from vidlib.runner.downloads import store
from vidlib.runner.execution.periodic import periodic
from vidlib.runner.store.identity import HEARTBEAT_S
from vidlib.runner.store.models import Run, Task
from vidlib.runner.store.queue import heartbeat_run
from vidlib.runner.store.runs import History
from vidlib.timeline import Shot, Span

NAME = '-<img src=x onerror=alert(1)> "it\'s" & 🎬\nnew.mp4'
BY_HAND = "https://mega.nz/file/1?a='1'&b=2#key"
SHOWN = NAME.replace("\n", "\N{REPLACEMENT CHARACTER}")
PAGE_MS, RUN_MS = 60_000, 200_000
"""How long a page and a run of a two-second clip may take where other programs are busy as well."""
pytestmark = [
    pytest.mark.slow,
    pytest.mark.browser,
    NEEDS_CHROMIUM,
]


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """Somebody's browser; it is gone afterwards."""
    expect.set_options(timeout=PAGE_MS)
    with browsers.chromium() as browser:
        yield browser
    wait_until(lambda: not [child for child in psutil.Process().children() if "chrom" in child.name()])


@pytest.fixture
def browser(chromium) -> Iterator[BrowserContext]:
    with visitor(chromium, PAGE_MS) as context:
        yield context


@pytest.fixture(scope="module")
def axe(tmp_path_factory) -> str:
    return axe_script(tmp_path_factory.mktemp("axe"))


@pytest.fixture(scope="module")
def talk(dashboard) -> str:
    """The SHA-256 of a finished video with a report and, from an earlier run, with other shots."""
    settings = dashboard.settings
    clip = sample_media.clip(settings.workspace / "talk.mp4")
    other_shots = [Shot(Span(0, 22), "start"), Shot(Span(22, 50), "cut")]
    before, after = settings.work / ("be" * 8), settings.work / ("af" * 8)
    earlier, folders = finished.all_steps(before, video=clip, shots=other_shots), finished_talk(after, clip)
    evidence = finished.evidence(after / "evidence.json", folders)
    report = {"report": pages.report_folder(after / "report-0123456789ab", evidence)}
    for steps in (earlier, folders):
        finished.register(settings, steps | report, clip)
    return sha256(clip)


@pytest.fixture
def history(dashboard) -> Iterator[History]:
    """The history of the dashboard that the browser shows."""
    with History(dashboard.settings.database) as opened:
        yield opened


@pytest.fixture
def failed_run(history, dashboard) -> Iterator[tuple[Run, Task]]:
    """A run of this process with a step that failed and one that runs, which this fixture returns."""
    run = history.start_run([dashboard.settings.inbox / "two videos.zip"], {})
    names = {"run_id": run.id, "project": "two", "sha256": "ab" * 32, "origin": run.paths[0]}
    videos = [names | {"label": label, "source": label} for label in ("a.mp4", "b.mp4")]
    tasks = [Task(step=step, **video) for video in videos for step in ("convert", "scenes")]
    failed, _, running, _ = history.add_tasks(tasks)
    history.update_task(failed.id, status="failed", error="\x1b[31mno space\x1b[0m", error_type="OSError", attempt=3)
    history.update_task(running.id, status="running", progress=0.1, started_at=time.time())
    with periodic(lambda: heartbeat_run(history, run.id), HEARTBEAT_S):
        yield run, running


def sign_in(page: Page, dashboard: Dashboard, address: str = "") -> None:
    page.goto(dashboard.url + address)
    page.locator("#token").fill(dashboard.token)
    page.get_by_role("button").click()
    expect(page.locator("main.page")).to_be_visible()


def open_from(page: Page, link: str) -> Page:
    """Click a link of ``page`` that opens another, and wait for that one."""
    with page.context.expect_page() as opened:
        page.get_by_role("link", name=link).click()
    opened.value.wait_for_load_state()
    return opened.value


def test_an_operator_signs_in_runs_a_clip_and_reads_its_report(dashboard, browser):
    sample_media.silent(dashboard.settings.inbox / NAME)
    with History(dashboard.settings.database) as history:
        store.add_offers(history, [(DownloadOffer(BY_HAND, 0.0, name=NAME), "manual")])
    dialogs, answers = [], []
    browser.on("dialog", lambda dialog: (dialogs.append(dialog.message), dialog.dismiss()))
    browser.on("response", lambda response: answers.append(response.url))

    page = browser.new_page()
    sign_in(page, dashboard)
    expect(page.locator(".download b")).to_have_text(SHOWN)
    expect(page.locator(".download a")).to_have_attribute("href", BY_HAND)
    page.get_by_role("checkbox", name=SHOWN).check()
    page.get_by_label("Profile").select_option("fast")
    page.get_by_role("button", name="Run", exact=True).click()
    expect(page.locator(".badge.starting")).to_be_visible()
    expect(page.locator(".run-title .badge")).to_have_text("running")
    expect(page.locator(".step.running b")).to_have_text("convert")

    page.close()  # the run goes on, and the next page finds it
    page = browser.new_page()
    page.goto(dashboard.url)
    expect(page.get_by_role("button", name="Cancel run")).to_be_visible()
    expect(page.locator(".run-title .badge")).to_have_text("done", timeout=RUN_MS)
    expect(page.locator(".video .title b")).to_have_text(SHOWN)
    expect(page.locator(".step.done")).to_have_count(7)

    report = open_from(page, "Open report")
    expect(report.locator("h1")).to_contain_text("onerror=alert(1)")
    pictures = report.evaluate("[...document.images].map(picture => picture.naturalWidth)")
    assert pictures
    assert all(pictures)
    report.get_by_role("link", name="scenes", exact=True).click()
    expect(report.locator("h1")).to_contain_text("Scenes")
    assert open_from(page, "tracking").url.endswith("06_tracking.ipynb")

    page.get_by_role("link", name="Library").click()
    page.get_by_role("searchbox", name="Search").fill("new.mp4 state:done")
    page.get_by_role("button", name=SHOWN).press("Enter")
    expect(page.get_by_role("heading", name=SHOWN)).to_be_focused()
    expect(page.locator(".glance .stills img").first).to_be_visible()
    page.get_by_role("button", name="Close", exact=True).press("Enter")
    expect(page.locator(".glance")).to_have_count(0)

    assert dialogs == []
    assert [url for url in answers if not url.startswith((dashboard.url, "data:", "blob:"))] == []


def test_two_pages_show_what_one_does_until_somebody_signs_out(dashboard, browser, failed_run, history):
    _, running = failed_run
    first, second = browser.new_page(), browser.new_page()
    sign_in(first, dashboard)
    second.goto(dashboard.url)
    first.get_by_role("button", name="Cancel convert of b.mp4").click()
    wait_until(lambda: history.tasks_by_id([running.id])[0].cancel_requested)
    history.update_task(running.id, status="cancelled")  # as the process of the run would
    expect(first.locator(".step.cancelled b")).to_have_text("convert")
    expect(second.locator(".step.cancelled b")).to_have_text("convert")
    second.get_by_role("button", name="Retry", exact=True).click()
    expect(first.get_by_role("heading", name="What failed")).to_have_count(0)
    first.get_by_role("button", name="Cancel run").click()
    expect(second.get_by_role("button", name="Cancelling …")).to_be_disabled()
    second.get_by_role("link", name="Sign out").click()
    expect(second.get_by_role("status")).to_contain_text("You are signed out")
    second.go_back()
    for page in (first, second):
        expect(page.get_by_label("Token")).to_be_visible()


def test_a_result_is_corrected_and_compared_on_accessible_pages(dashboard, chromium, axe, talk):
    options = {"bypass_csp": True, "viewport": {"width": 1200, "height": 900}}
    with visitor(chromium, PAGE_MS, **options) as context:
        page = context.new_page()
        page.goto(dashboard.url)
        assert problems_in_both_colors(page, axe) == []
        sign_in(page, dashboard, f"#video?sha256={talk}")
        viewer = Viewer(page)
        moves_frame_by_frame(viewer)
        corrects_by_keyboard(viewer, dashboard.settings)
        assert problems_in_both_colors(page, axe) == []

        page.goto(f"{dashboard.url}#library?video={talk}")
        page.get_by_role("button", name="Compare").click()
        rows = page.locator(".changes tbody tr")
        expect(rows.first).to_be_visible()
        assert problems_in_both_colors(page, axe) == []
        rows.first.get_by_role("link").first.click()
        expect(viewer.root).to_be_visible()
        page.goto(f"{dashboard.url}#video?sha256=../../etc/passwd")
        expect(page.get_by_role("alert")).to_contain_text("names no video")
        page.goto(f"{dashboard.url}results/runs/index.html")
        assert problems_in_both_colors(page, axe) == []


def problems_in_both_colors(page: Page, axe: str) -> list[tuple[str, list[str]]]:
    """What axe finds in light and in dark colors."""
    problems = []
    for colors in ("light", "dark"):
        page.emulate_media(color_scheme=colors)
        problems += serious_problems(page, axe)
    return problems


def test_pages_are_accessible_in_both_colors_and_fit_a_phone(dashboard, chromium, failed_run, axe):
    sample_media.silent(dashboard.settings.inbox / "film.mp4")
    with visitor(chromium, PAGE_MS, color_scheme="dark", locale="fr-FR", bypass_csp=True) as context:
        page = context.new_page()
        sign_in(page, dashboard)
        expect(page.get_by_role("heading", name="Échecs")).to_be_visible()
        page.get_by_role("checkbox", name="film.mp4").check()
        page.get_by_text("Paramètres", exact=True).click()
        page.get_by_role("button", name="Prévision", exact=True).click()
        expect(page.get_by_role("cell", name="convert", exact=True)).to_be_visible()
        assert serious_problems(page, axe) == []
        page.get_by_label("Couleurs").select_option("light")
        page.get_by_label("Langue").select_option("en")
        expect(page.get_by_role("heading", name="What failed")).to_be_visible()
        assert serious_problems(page, axe) == []
        page.set_viewport_size({"width": 390, "height": 844})
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
        page.reload()  # the browser keeps what was chosen
        expect(page.get_by_role("heading", name="What failed")).to_be_visible()
        assert page.evaluate("document.documentElement.dataset.theme") == "light"
        page.get_by_role("link", name="Machine").click()
        expect(page.get_by_role("heading", name="Kernels and lanes")).to_be_visible()
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
        assert serious_problems(page, axe) == []
        page.get_by_label("Colors").select_option("dark")
        assert serious_problems(page, axe) == []
        page.goto(f"{dashboard.url}video?sha256={'0' * 64}#frame=7")
        expect(page.get_by_role("alert")).to_be_visible()
        assert page.evaluate("location.hash") == f"#video?sha256={'0' * 64}&frame=7"
        assert serious_problems(page, axe) == []


def test_news_leave_the_focus_and_a_lost_connection_disables_the_page(dashboard, browser, failed_run, history):
    run, running = failed_run
    page, sockets, lost = browser.new_page(), [], []

    def connect(socket) -> None:
        socket.close() if lost else sockets.append((socket, socket.connect_to_server()))

    page.route_web_socket(lambda url: "channels" in url, connect)
    sign_in(page, dashboard)
    page.get_by_text("Details").click()
    expect(page.get_by_text("no space")).to_be_visible()
    retry = page.get_by_role("button", name="Retry", exact=True)
    retry.focus()
    history.update_task(running.id, progress=0.5)
    expect(page.get_by_text("50%").first).to_be_visible()
    expect(retry).to_be_focused()
    expect(page.get_by_text("no space")).to_be_visible()

    lost.append(True)
    for socket, server in sockets:
        server.close()
        socket.close()
    expect(page.get_by_text("The connection to the dashboard is lost")).to_be_visible()
    assert page.locator(".frame").evaluate("frame => frame.inert")
    lost.clear()
    expect(page.get_by_text("The connection to the dashboard is lost")).to_be_hidden()
    page.get_by_role("button", name="Cancel run").click()
    wait_until(lambda: history.cancel_requested(run.id))
