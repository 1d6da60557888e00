"""Serves the operators' page with Voila: on this machine only and behind a token, unless told otherwise."""

import ipaddress
import secrets
import socket

from jupyter_server.base.handlers import JupyterHandler
from jupyter_server.utils import url_path_join
from tornado import web
from traitlets.config import Config
from voila.app import Voila

from vidlib.dashboard.state import RESULTS_ROUTE
from vidlib.errors import SettingError
from vidlib.settings import REPOSITORY, Settings, export, settings

IDLE_S = 600
"""A page that was closed without saying so keeps its kernel this long, in seconds."""

CONTENT_POLICY = "sandbox allow-popups allow-downloads; default-src 'none'; img-src data:; style-src 'unsafe-inline'"
"""A report draws what came from outside: it may show pictures and styles of its own, and do nothing."""


class ResultFiles(JupyterHandler, web.StaticFileHandler):
    """Reports and step notebooks, for those who have signed in."""

    @web.authenticated
    async def get(self, path: str, include_body: bool = True) -> None:
        await web.StaticFileHandler.get(self, path, include_body)

    def set_extra_headers(self, path: str) -> None:
        self.set_header("Content-Security-Policy", CONTENT_POLICY)

    def get_content_type(self) -> str:
        return "application/json" if self.absolute_path.endswith(".ipynb") else super().get_content_type()

    def compute_etag(self) -> str | None:
        return web.StaticFileHandler.compute_etag(self)  # Jupyter's own switches it off


class Dashboard(Voila):
    """Voila with the reports of the workspace beside its page."""

    def init_handlers(self) -> list:
        found = settings()
        route = url_path_join(self.server_url, RESULTS_ROUTE)
        shown = [
            (rf"{route}/runs/(.*\.(?:html|ipynb))", ResultFiles, {"path": str(found.runs)}),
            (rf"{route}/work/(.*\.ipynb)", ResultFiles, {"path": str(found.work)}),
        ]
        return shown + super().init_handlers()


def serve(given: Settings) -> int:
    """Serve the operators' page until somebody stops it; the exit code.

    Raises SettingError where the page would be open to other machines without a token of the operator's own, or where
    the port is taken.
    """
    token = choose_token(given)
    port = free_port(given.dashboard_host, given.dashboard_port)
    given.inbox.mkdir(parents=True, exist_ok=True)
    export(given)
    config = Config()
    config.Voila = Config(ip=given.dashboard_host, port=port, port_retries=0, token=token, open_browser=False)
    config.VoilaConfiguration.show_tracebacks = False
    config.MappingKernelManager = Config(cull_idle_timeout=IDLE_S, cull_interval=60)
    app = Dashboard(config=config, log_level="WARN")
    app.initialize([str(REPOSITORY / "dashboards" / "control.ipynb")])
    print(
        f"The dashboard of {given.workspace} is at\n  http://{given.dashboard_host}:{port}/?token={token}", flush=True
    )
    app.start()
    return 0


def free_port(host: str, port: int) -> int:
    """``port``, or any free one for 0; raises SettingError if it is taken."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise SettingError(f"VIDLIB_DASHBOARD_PORT={port} on {host}: {error.strerror}; choose another") from error
        return probe.getsockname()[1]


def choose_token(settings: Settings) -> str:
    """The operator's own token, or a random one for a page that only this machine can reach."""
    if settings.dashboard_token:
        return settings.dashboard_token.get_secret_value()
    if not is_loopback(settings.dashboard_host):
        raise SettingError(
            f"VIDLIB_DASHBOARD_HOST={settings.dashboard_host!r} opens the dashboard to other machines; "
            "set VIDLIB_DASHBOARD_TOKEN to a long secret first, or use 127.0.0.1"
        )
    return secrets.token_urlsafe(24)


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach an address."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
