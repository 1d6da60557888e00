"""Serves the operators' page with Voila, by default on this machine only and behind a token."""

import asyncio
import logging
import re
import socket
import time
from collections.abc import Generator
from functools import partial
from pathlib import Path
from typing import cast
from urllib.parse import parse_qsl, urlencode

from jupyter_server.base.handlers import JupyterHandler
from jupyter_server.log import log_request
from jupyter_server.utils import url_path_join
from tornado import web
from tornado.ioloop import IOLoop, PeriodicCallback
from traitlets.config import Config
from voila.app import Voila
from voila.tornado.handler import TornadoVoilaHandler

from vidlib.dashboard import access
from vidlib.dashboard.connection import Connection
from vidlib.dashboard.kernels import LEFT_S, LOOK_EVERY_S, Kernels, identify
from vidlib.dashboard.results import RESULTS_ROUTE, SHELF_ROUTE, VIDEO_ROUTE
from vidlib.errors import SettingError, VidlibError
from vidlib.localization import LOCALES, Localization
from vidlib.machine import load_history
from vidlib.machine.load import load_reader
from vidlib.player import bundle, serving
from vidlib.results.report_html import served_page
from vidlib.results.shelf_html import script_source
from vidlib.runner import shelf
from vidlib.runner.store.runs import History
from vidlib.setting_types import Account, Language
from vidlib.settings import Settings, export, resource, settings

STATIC = Path(__file__).with_name("static")
TEMPLATES = Path(__file__).with_name("templates")
FILES = {kind: sorted(file.name for file in STATIC.glob(f"*.{kind}")) for kind in ("js", "css")}

PAGE_POLICY = "; ".join(
    (
        "default-src 'self'",
        "script-src 'self'",
        "media-src 'self' blob:",
        "style-src 'self' 'unsafe-inline'",
        "img-src 'self' data:",
        "font-src 'self' data:",
        "frame-ancestors 'self'",
    )
)
START_S = 120
"""Seconds after which Voila writes a script into a page whose kernel has not begun, which our policy forbids."""

RESULTS_POLICY = (
    "sandbox allow-popups allow-downloads; default-src 'none'; img-src data:; font-src data:; style-src 'unsafe-inline'"
)
"""A report shows foreign content, so it may use its own pictures and styles, and run no script."""


class SignedInPage(TornadoVoilaHandler):
    """The page. It redirects to an address without the token, which would stay in the history of the browser."""

    @web.authenticated
    async def get(self, path: str | None = None) -> None:
        if path:  # Voilà would look for a file, and show its refusal without a page
            raise web.HTTPError(404)
        if self.get_argument("token", None):
            others = [(name, value) for name, value in parse_qsl(self.request.query) if name != "token"]
            self.redirect(f"{self.request.path}?{urlencode(others)}" if others else self.request.path)
        else:
            self.xsrf_token  # noqa: B018 # sets the cookie without which a closing page may not end its kernel
            await super().get(path)


class OldVideoPage(JupyterHandler):
    """Leads from the address that reports name to the player of a video. The browser keeps the part behind ``#``."""

    @web.authenticated
    def get(self) -> None:
        self.redirect(f"{self.base_url}?{urlencode({'video': self.get_argument('sha256', '')})}")


class Reports(JupyterHandler, web.StaticFileHandler):
    """Serves the HTML reports to signed-in users, with links into the player."""

    content_security_policy = RESULTS_POLICY

    @web.authenticated
    async def get(self, path: str, include_body: bool = True) -> None:  # type: ignore[override] # of JupyterHandler
        await web.StaticFileHandler.get(self, path, include_body)

    @classmethod
    def get_content(
        cls, abspath: str, start: int | None = None, end: int | None = None
    ) -> Generator[bytes, None, None]:
        yield served_page(Path(abspath).read_text(encoding="utf-8")).encode()[start:end]

    def get_content_size(self) -> int:
        return sum(map(len, self.get_content(self.absolute_path or "")))

    def compute_etag(self) -> str | None:
        return web.StaticFileHandler.compute_etag(self)  # Jupyter's handler switches ETags off


class Shelf(JupyterHandler):
    """Builds the page of all reports and serves it to signed-in users. Only its own script runs, in a sandbox."""

    content_security_policy = RESULTS_POLICY.replace("sandbox", "sandbox allow-scripts") + (
        f"; script-src {script_source()}"
    )

    @web.authenticated
    async def get(self) -> None:
        self.finish(await asyncio.to_thread(shelf_page))


class PageFiles(JupyterHandler, web.StaticFileHandler):
    """Serves the modules and the style of the page to signed-in users."""

    @web.authenticated
    async def get(self, path: str, include_body: bool = True) -> None:  # type: ignore[override] # of JupyterHandler
        await web.StaticFileHandler.get(self, path, include_body)

    def set_extra_headers(self, path: str) -> None:
        self.set_header("Cache-Control", "no-cache")  # the browser asks whether its copy is still the newest

    def compute_etag(self) -> str | None:
        return web.StaticFileHandler.compute_etag(self)  # Jupyter's handler switches ETags off


class Catalogue(JupyterHandler):
    """Serves the catalogue of a language to signed-in users."""

    @web.authenticated
    async def get(self, language: str) -> None:
        if language not in LOCALES:
            raise web.HTTPError(404)
        self.finish(Localization(cast("Language", language)).catalogue())


class NoIcon(web.RequestHandler):
    """Answers browsers that ask for an icon of reports and notebooks; an error would stand in their console."""

    def get(self) -> None:
        self.set_status(204)


class StepNotebooks(JupyterHandler):
    """Serves the executed step notebooks as pages to signed-in users."""

    content_security_policy = RESULTS_POLICY

    def initialize(self, work: Path) -> None:
        self.work = work

    @web.authenticated
    async def get(self, path: str) -> None:
        notebook = (self.work / path).resolve()
        if not (notebook.is_relative_to(self.work.resolve()) and notebook.is_file()):
            raise web.HTTPError(404)
        self.finish(await asyncio.to_thread(notebook_page, notebook))


class Dashboard(Voila):
    """Voila with our sign-in page, and the results of the workspace beside the page."""

    def init_settings(self) -> dict:
        found = super().init_settings()
        for env in (found["jinja2_env"], found["voila_jinja2_env"]):
            env.loader.searchpath.insert(0, str(TEMPLATES))  # our pages before those of Jupyter and Voila
            env.globals |= {"_": lambda message: access.words().gettext(message), "language": access.language}
            env.filters["sentence"] = lambda message: access.words().sentence(str(message))
        return found

    def init_handlers(self) -> list:
        found = settings()
        route = url_path_join(self.server_url, RESULTS_ROUTE)
        *others, (everything, _, options) = super().init_handlers()
        page = url_path_join(self.server_url, "page")
        own = options | {"template_paths": [str(TEMPLATES), *options["template_paths"]]}
        handlers = [
            (rf"{page}/player/([a-z]+\.(?:js|css))", PageFiles, {"path": str(bundle.BROWSER)}),
            (rf"{page}/([a-z_]+\.(?:js|css))", PageFiles, {"path": str(STATIC)}),
            (rf"{page}/catalogue/([a-z]+)\.json", Catalogue),
            serving.handler(self.server_url, found.work),
            (url_path_join(self.server_url, "(sign_in.js)"), web.StaticFileHandler, {"path": str(TEMPLATES)}),
            (url_path_join(self.server_url, "favicon.ico"), NoIcon),
            (url_path_join(self.server_url, VIDEO_ROUTE), OldVideoPage),
            (rf"{route}/runs/([^/]+/[^/]+/report\.html)", Reports, {"path": str(found.runs)}),
            (url_path_join(self.server_url, SHELF_ROUTE), Shelf),
            (rf"{route}/work/([^/]+/[^/]+/[^/]+\.ipynb)", StepNotebooks, {"work": found.work}),
            *others,
            (everything, SignedInPage, own),
        ]
        return [(access.allowed_hosts(found), handlers), (".*", access.UnknownHost)]


def shelf_page() -> str:
    """The page of all reports, as `vidlib reports` writes it."""
    found = settings()
    try:
        with History(found.database) as history:
            page, _ = shelf.build(history, found)
    except VidlibError as error:
        raise web.HTTPError(500, "%s", error) from error
    return page.read_text(encoding="utf-8")


def notebook_page(notebook: Path) -> str:
    """Convert an executed notebook to HTML, including its code.

    The page has no scripts: RESULTS_POLICY forbids them, and each would leave an error in the browser's console.
    """
    from nbconvert import HTMLExporter

    page, _ = HTMLExporter().from_filename(str(notebook))
    return re.sub(r"<script\b.*?</script\s*>", "", page, flags=re.DOTALL | re.IGNORECASE)


def serve(given: Settings) -> int:
    """Serve the operators' page until it is stopped, and return the exit code.

    Raises SettingError if other machines could reach the page without an explicit token, or if the port is taken.
    """
    accounts = access.accounts(given)
    port = free_port(given.dashboard_host, given.dashboard_port)
    given.inbox.mkdir(parents=True, exist_ok=True)
    export(given)
    logging.getLogger("tornado.general").setLevel("ERROR")  # it warns about Jupyter's own timeouts
    app = Dashboard(config=configuration(given, port, accounts))
    app.initialize([])

    def begin() -> None:
        print(f"The dashboard of {given.workspace} is at\n{sign_in_address(given, port, accounts)}", flush=True)
        app.kernel_manager.prepare_spare()

    with load_reader(given.workspace) as load:
        history = load_history.file_in(given.workspace / "logs")
        every_ms = load_history.EVERY_S * 1000
        PeriodicCallback(lambda: load_history.record(history, load(), time.time()), every_ms).start()
        IOLoop.current().add_callback(begin)  # by then it listens, and has its manager of kernels
        app.start()
    return 0


def sign_in_address(given: Settings, port: int, accounts: tuple[Account, ...]) -> str:
    """The address that opens the dashboard. It hides a token from the settings, because the output may go to a log."""
    host = f"[{given.dashboard_host}]" if ":" in given.dashboard_host else given.dashboard_host
    address = f"http://{host}:{port}/"
    if given.dashboard_token or given.dashboard_tokens:
        return f"{address} (sign in with your token)"
    return f"{address}?token={accounts[0].token}"


def configuration(given: Settings, port: int, accounts: tuple[Account, ...]) -> Config:
    """The configuration of Voila and Jupyter. They read no file of their own, which could let in others."""
    config = Config()
    config.Voila = Config(
        config_file_paths=[],
        notebook_path=str(resource("dashboards") / "control.ipynb"),
        ip=given.dashboard_host,
        port=port,
        port_retries=0,
        open_browser=False,
        identity_provider_class=access.Accounts,
        authorizer_class=access.Roles,
        kernel_websocket_connection_class=Connection,
        tornado_settings={
            "headers": {"Content-Security-Policy": PAGE_POLICY},
            "log_function": partial(log_request, record_prometheus_metrics=False),
        },
        log_level="ERROR",
    )
    config.VoilaConfiguration = Config(
        multi_kernel_manager_class=Kernels,
        prelaunch_hook=identify,
        file_allowlist=[],
        show_tracebacks=False,
        http_keep_alive_timeout=START_S,
        strip_sources=True,
        resources=FILES,
    )
    config.MappingKernelManager = Config(cull_idle_timeout=LEFT_S, cull_interval=LOOK_EVERY_S)
    config.KernelManager = Config(transport="ipc")  # other users of this machine could reach a port
    config.Accounts = Config(accounts=accounts, cookie_options={"samesite": "Lax"})
    return config


def free_port(host: str, port: int) -> int:
    """``port``, or any free port for 0. Raises SettingError if the port is not available."""
    try:
        family, kind, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
            return probe.getsockname()[1]
    except OSError as error:
        raise SettingError(
            f"the dashboard cannot listen on port {port} of {host}: {error.strerror}; is it running already? "
            "Set VIDLIB_DASHBOARD_PORT or --port to another one; 0 chooses a free port"
        ) from error
