"""Every path, secret and limit, from the environment (``VIDLIB_*``) or a ``.env`` file: the only reader of either."""

import os
from functools import lru_cache
from pathlib import Path
from typing import Annotated

from platformdirs import user_data_path
from pydantic import AfterValidator, Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from vidlib.errors import SettingError

REPOSITORY = Path(__file__).resolve().parent.parent
GIB = 1024**3

Folder = Annotated[Path, AfterValidator(lambda path: path.expanduser().absolute())]


class Settings(BaseSettings):
    """Where things are and how much is allowed. Unset folders lie in the workspace."""

    model_config = SettingsConfigDict(env_prefix="VIDLIB_", env_file=".env", extra="ignore", env_ignore_empty=True)

    workspace: Folder = Field(Path("workspace"), validate_default=True, description="folder that holds all the others")
    inbox_dir: Folder | None = Field(None, description="archives and videos that arrived; default WORKSPACE/inbox")
    projects_dir: Folder | None = Field(None, description="extracted projects; default WORKSPACE/projects")
    work_dir: Folder | None = Field(None, description="finished steps; default WORKSPACE/work")
    runs_dir: Folder | None = Field(None, description="reports and logs of runs; default WORKSPACE/runs")
    delivery_dir: Folder | None = Field(None, description="finalized projects; default WORKSPACE/delivery")
    archive_dir: Folder | None = Field(None, description="lasting results by content; default WORKSPACE/archive")
    database_url: str | None = Field(None, description="SQLAlchemy URL; default sqlite in WORKSPACE/vidlib.sqlite")

    notebooks_dir: Folder = Field(REPOSITORY / "notebooks", description="the step notebooks")
    params_dir: Folder = Field(REPOSITORY / "params", description="profiles, found by name")
    vault_dir: Folder = Field(
        user_data_path("vidlib") / "models", validate_default=True, description="checked model weights"
    )
    models_dir: Folder | None = Field(None, description="a folder of weights that were fetched by hand, searched first")

    max_unpacked_bytes: int = Field(200 * GIB, gt=0, description="bytes that one archive may hold once unpacked")
    max_files: int = Field(20_000, gt=0, description="files that one archive may hold")
    max_ratio: float = Field(200, gt=1, description="unpacked bytes per byte of archive")
    step_timeout_s: float = Field(6 * 3600, gt=0, description="a step that takes longer than this has failed, seconds")

    dashboard_host: str = Field("127.0.0.1", description="address that the dashboard listens on")
    dashboard_port: int = Field(8866, ge=0, le=65535, description="port of the dashboard; 0 takes a free one")
    dashboard_token: SecretStr | None = Field(None, description="token that opens the dashboard; default a random one")

    @property
    def inbox(self) -> Path:
        return self.inbox_dir or self.workspace / "inbox"

    @property
    def projects(self) -> Path:
        return self.projects_dir or self.workspace / "projects"

    @property
    def work(self) -> Path:
        return self.work_dir or self.workspace / "work"

    @property
    def runs(self) -> Path:
        return self.runs_dir or self.workspace / "runs"

    @property
    def delivery(self) -> Path:
        return self.delivery_dir or self.workspace / "delivery"

    @property
    def archive(self) -> Path:
        return self.archive_dir or self.workspace / "archive"

    @property
    def database(self) -> str:
        return self.database_url or f"sqlite:///{self.workspace / 'vidlib.sqlite'}"


@lru_cache(maxsize=1)
def settings() -> Settings:
    """The settings of this process, read once.

    Raises SettingError for a value that is wrong, naming the variable.
    """
    return load()


def load(**given: object) -> Settings:
    """Read the settings now; ``given`` ones (as ``workspace=...``) win over the environment."""
    try:
        return Settings(**given)
    except ValidationError as error:
        raise SettingError("; ".join(_explain(problem) for problem in error.errors())) from error


def export(chosen: Settings) -> None:
    """Make ``chosen`` the settings of this process and of those that it starts; the token stays with this one."""
    for name, value in chosen.model_dump(exclude={"dashboard_token"}, exclude_none=True).items():
        os.environ[f"VIDLIB_{name.upper()}"] = str(value)
    os.environ.pop("VIDLIB_DASHBOARD_TOKEN", None)
    settings.cache_clear()


def _explain(problem: dict) -> str:
    name = "VIDLIB_" + "_".join(str(part) for part in problem["loc"]).upper()
    return f"{name}={problem['input']!r}: {problem['msg']}; correct it in the environment or in .env"
