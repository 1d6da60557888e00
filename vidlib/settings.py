"""Every path, secret and limit, from the environment (``VIDLIB_*``) or a ``.env`` file: the only reader of either."""

import os
import re
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Literal, get_args
from urllib.parse import urlsplit

from platformdirs import user_data_path
from pydantic import AfterValidator, Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from vidlib.errors import SettingError

REPOSITORY = Path(__file__).resolve().parent.parent
GIB = 1024**3

Folder = Annotated[Path, AfterValidator(lambda path: path.expanduser().absolute())]

PLAIN_FOLDER = re.compile(r"\w([\w .-]{0,98}[\w-])?")
RESERVED = re.compile(r"(con|prn|aux|nul|(com|lpt)\d)(\.|$)|project\.json$", re.IGNORECASE)  # by Windows, and by vidlib


def plain_folder(folder: str) -> str:
    """``folder``, if it is one that lies below another on every system; raises ValueError otherwise.

    >>> plain_folder("media/my clips")
    'media/my clips'
    """
    parts = folder.split("/")
    if len(parts) > 4 or not all(PLAIN_FOLDER.fullmatch(part) and not RESERVED.match(part) for part in parts):
        raise ValueError(
            "expected a plain folder below that of the project, as docs or media/clips: letters, digits, spaces, _ - ."
        )
    return folder


def _names_something(pattern: str) -> str:
    try:
        groups = re.compile(pattern).groups
    except re.error as error:
        raise ValueError(f"it is no regular expression: {error}") from error
    if not groups:
        raise ValueError(r"expected a group in parentheses that names the project, as ^\d+_(.+)$")
    return pattern


class Settings(BaseSettings):
    """Where things are and how much is allowed. Unset folders lie in the workspace."""

    model_config = SettingsConfigDict(env_prefix="VIDLIB_", env_file=".env", extra="ignore", env_ignore_empty=True)

    workspace: Folder = Field(Path("workspace"), validate_default=True, description="folder that holds all the others")
    inbox_dir: Folder | None = Field(None, description="archives and videos that arrived; default WORKSPACE/inbox")
    projects_dir: Folder | None = Field(None, description="extracted projects; default WORKSPACE/projects")
    docs_folder: Annotated[str, AfterValidator(plain_folder)] = Field(
        "docs", description="folder of a project that holds its files and their results; may be nested, as media/clips"
    )
    project_name_pattern: Annotated[str, AfterValidator(_names_something)] | None = Field(
        None, description="regular expression; where it is found in what a delivery is called, its group is the name"
    )
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

    lemonfox_key: SecretStr | None = Field(
        None, description="key of the Lemonfox API, for the voices engine `lemonfox`"
    )
    lemonfox_url: str = Field(
        "https://api.lemonfox.ai/v1/audio/transcriptions",
        description="where `lemonfox` sends sound; in the EU `https://eu-api.lemonfox.ai/v1/audio/transcriptions`",
    )

    max_unpacked_bytes: int = Field(200 * GIB, gt=0, description="bytes that one archive may hold once unpacked")
    max_files: int = Field(20_000, gt=0, description="files that one archive may hold")
    max_ratio: float = Field(200, gt=1, description="unpacked bytes per byte of archive")
    step_timeout_s: float = Field(6 * 3600, gt=0, description="a step that takes longer than this has failed, seconds")
    step_memory_bytes: int | None = Field(
        None, gt=0, description="a step that takes more is ended; default its lane's part of 80 % of the machine's"
    )

    max_download_bytes: int = Field(200 * GIB, gt=0, description="bytes that one download may have")
    min_free_bytes: int = Field(GIB, ge=0, description="bytes that downloads leave free on the disk")
    download_timeout_s: float = Field(24 * 3600, gt=0, description="a download that takes longer is given up, seconds")
    min_download_rate: float = Field(
        1024, ge=0, description="bytes per second, over a minute; a slower connection is given up and made anew"
    )
    download_attempts: int = Field(6, ge=1, description="attempts in a row that bring nothing new of a download")
    allow_private_hosts: str | None = Field(
        None, description="hosts that may lie in a private network though links lead there, with commas between"
    )
    webhook_url: SecretStr | None = Field(None, description="where `vidlib monitor` reads which files are offered")
    webhook_token: SecretStr | None = Field(None, description="sent to VIDLIB_WEBHOOK_URL as a bearer token")
    webhook_every_s: float = Field(300, ge=1, description="seconds between two looks at VIDLIB_WEBHOOK_URL")
    monitor_providers: str = Field(
        "dropbox,fromsmash,swisstransfer,https", description="whose files `vidlib monitor` downloads by itself"
    )
    monitor_names: str = Field(
        "*", description="patterns of the names that it downloads by itself, with commas between"
    )
    monitor_max_age_days: float = Field(7, gt=0, description="what was offered earlier is noted, not downloaded, days")

    dashboard_host: str = Field("127.0.0.1", description="address that the dashboard listens on")
    dashboard_port: int = Field(8866, ge=0, le=65535, description="port of the dashboard; 0 takes a free one")
    dashboard_token: SecretStr | None = Field(None, description="token that opens the dashboard; default a random one")

    notify_on: Literal["end", "failure"] = Field(
        "failure", description="tell the outside of every `end` of a run, or only of one that is not done: `failure`"
    )
    notify_command: str | None = Field(None, description="program and arguments that are told when a run ends")
    notify_url: SecretStr | None = Field(None, description="http(s) address that JSON is posted to when a run ends")
    notify_email: str | None = Field(None, description="addressees of an e-mail when a run ends, with commas between")
    smtp_url: SecretStr | None = Field(None, description="mail server: smtp(s)://user:password@host:port")
    smtp_from: str | None = Field(None, description="address that e-mails come from")

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

    def private_hosts(self) -> frozenset[str]:
        """The hosts of `allow_private_hosts`, in lower case."""
        return frozenset(name.strip().lower() for name in (self.allow_private_hosts or "").split(",") if name.strip())

    @property
    def database(self) -> str:
        return self.database_url or f"sqlite:///{self.workspace / 'vidlib.sqlite'}"


SECRETS = frozenset(name for name, field in Settings.model_fields.items() if SecretStr in get_args(field.annotation))
"""The settings that are never printed, written into the environment, or given to other programs."""

STEP_SECRETS = frozenset({"lemonfox_key"})
"""Those of them that a step itself works with: vidlib's own kernels get them as well, and keep them to themselves."""

KERNEL_MEMORY = {"MALLOC_ARENA_MAX": "2"}
"""glibc has eight heaps a core for its threads. What one thread allocates and another frees, as pictures are, stays in
pieces in all of them: 220 MB after 5 minutes of a video, and it grows; in two heaps 50 to 100 MB, at the same speed."""


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
    """Make ``chosen`` the settings of this process and of those that it starts.

    Secrets are not written into the environment: those that came from it stay there, but the token of the dashboard is
    taken out.
    """
    os.environ.update(variables(chosen))
    os.environ.pop("VIDLIB_DASHBOARD_TOKEN", None)
    settings.cache_clear()


def variables(chosen: Settings) -> dict[str, str]:
    """``chosen`` as environment variables, without its secrets."""
    found = chosen.model_dump(exclude=SECRETS, exclude_none=True)
    return {f"VIDLIB_{name.upper()}": str(value) for name, value in found.items()}


def environment_without_secrets() -> dict[str, str]:
    """The environment of this process for a program that is none of vidlib's: no secret, no password of a database."""
    secret = {f"VIDLIB_{name.upper()}" for name in SECRETS}
    address = urlsplit(os.environ.get("VIDLIB_DATABASE_URL", ""))
    if "@" in address.netloc or "password=" in address.query:
        secret.add("VIDLIB_DATABASE_URL")
    return {name: value for name, value in os.environ.items() if name.upper() not in secret}


def environment_of_kernels(chosen: Settings) -> dict[str, str]:
    """`environment_without_secrets` for a kernel of vidlib, which gets in addition the secrets that steps work with.

    The kernel takes them out again with `withhold_secrets` before any program is started there. `KERNEL_MEMORY` holds
    unless something else is set.
    """
    secrets = {f"VIDLIB_{name.upper()}": getattr(chosen, name) for name in sorted(STEP_SECRETS)}
    needed = {name: secret.get_secret_value() for name, secret in secrets.items() if secret}
    return KERNEL_MEMORY | environment_without_secrets() | needed


def withhold_secrets() -> None:
    """Read the settings of this process now, then take every secret out of its environment.

    What it starts from here on inherits none. A wrong setting is not complained of: whoever asks for it next does.
    """
    with suppress(SettingError):
        settings()
    secret = {f"VIDLIB_{name.upper()}" for name in SECRETS}
    for name in [name for name in os.environ if name.upper() in secret]:
        del os.environ[name]


def _explain(problem: dict) -> str:
    name = "VIDLIB_" + "_".join(str(part) for part in problem["loc"]).upper()
    says = problem["msg"].removeprefix("Value error, ")  # what pydantic puts before words of our own
    return f"{name}={problem['input']!r}: {says}; correct it in the environment or in .env"
