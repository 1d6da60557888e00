"""Serves the videos of the workspace to signed-in users, for JupyterLab and for the dashboard.

Jupyter's server loads this module as an extension: the wheel brings the file of its configuration that says so.
"""

import re
from pathlib import Path
from typing import TYPE_CHECKING

from jupyter_server.base.handlers import JupyterHandler
from jupyter_server.utils import url_path_join
from tornado import web

from vidlib.settings import settings

if TYPE_CHECKING:
    from jupyter_server.serverapp import ServerApp

ROUTE = "vidlib/video"
"""Path of the videos below the address of the server."""

VIDEO = re.compile(r"[0-9a-f]{16}/convert-[0-9a-f]{12}/[^/]+\.mp4")
"""The path of a converted video below the folder of finished steps. Nothing else is served."""


class Videos(JupyterHandler, web.StaticFileHandler):
    """Serves converted videos below ``path``, also in parts: a browser that jumps asks for a range of bytes."""

    @web.authenticated
    async def get(self, path: str, include_body: bool = True) -> None:  # type: ignore[override] # of JupyterHandler
        if not VIDEO.fullmatch(path):
            raise web.HTTPError(404)
        await web.StaticFileHandler.get(self, path, include_body)

    @classmethod
    def get_absolute_path(cls, root: str, path: str) -> str:
        """The file without links, so that the check against ``root`` sees where it really lies."""
        return str((Path(root) / path).resolve())

    def validate_absolute_path(self, root: str, absolute_path: str) -> str | None:
        return super().validate_absolute_path(str(Path(root).resolve()), absolute_path)

    def compute_etag(self) -> str | None:
        return web.StaticFileHandler.compute_etag(self)  # Jupyter's handler switches ETags off


def handler(base_url: str, work: Path) -> tuple[str, type[Videos], dict[str, str]]:
    """The handler of the videos below ``work``, for a server whose pages lie below ``base_url``."""
    return (rf"{url_path_join(base_url, ROUTE)}/(.*)", Videos, {"path": str(work)})


def _jupyter_server_extension_points() -> list[dict[str, str]]:
    return [{"module": __name__}]


def _load_jupyter_server_extension(server: "ServerApp") -> None:
    work = settings().work
    server.web_app.add_handlers(".*$", [handler(server.base_url, work)])
    server.log.info("vidlib serves the videos of %s", work)
