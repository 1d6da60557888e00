"""The settings: every folder, limit and secret of this installation.

This module alone reads the environment variables ``VIDLIB_*`` and the file ``.env``.
"""

import os
import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any, Literal, get_args
from urllib.parse import urlsplit

from dotenv import dotenv_values
from platformdirs import user_data_path
from pydantic import AfterValidator, Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from vidlib.errors import SettingError, did_you_mean, expectation

PACKAGE = Path(__file__).resolve().parent
REPOSITORY = PACKAGE.parent
"""The checkout of vidlib, where this package was not installed from a wheel."""

GIB = 1024**3
DOT_ENV = ".env"

Source = Literal["default", ".env", "environment", "option"]
Folder = Annotated[Path, AfterValidator(lambda path: path.expanduser().absolute())]

PLAIN_FOLDER = re.compile(r"\w([\w .-]{0,98}[\w-])?")
RESERVED = re.compile(r"(con|prn|aux|nul|(com|lpt)\d)(\.|$)|project\.json$", re.IGNORECASE)  # on Windows; in vidlib


def resource(name: str) -> Path:
    """The folder of the checkout with this name, or the copy of it that an installed package contains."""
    packaged = PACKAGE / "_resources" / name
    return packaged if packaged.is_dir() else REPOSITORY / name


def plain_folder(folder: str) -> str:
    """``folder``, if it is a relative path that is valid on every system. Raises ValueError otherwise.

    >>> plain_folder("media/my clips")
    'media/my clips'
    """
    parts = folder.split("/")
    if len(parts) > 4 or not all(PLAIN_FOLDER.fullmatch(part) and not RESERVED.match(part) for part in parts):
        raise ValueError(
            "expected a plain folder inside the project, such as docs or media/clips: letters, digits, spaces, _ - ."
        )
    return folder


def _pattern_with_group(pattern: str) -> str:
    try:
        groups = re.compile(pattern).groups
    except re.error as error:
        raise ValueError(f"expected a regular expression: {error}") from error
    if not groups:
        raise ValueError(r"expected a regular expression with a group for the project name, such as ^\d+_(.+)$")
    return pattern


class Settings(BaseSettings):
    """Folders, addresses, limits and secrets. Folders that are not set lie in the workspace."""

    model_config = SettingsConfigDict(env_prefix="VIDLIB_", env_file=DOT_ENV, extra="ignore", env_ignore_empty=True)

    workspace: Folder = Field(
        Path("workspace"), validate_default=True, description="Folder that contains all other folders."
    )
    inbox_dir: Folder | None = Field(
        None, description="Folder for incoming archives and videos. Default: `inbox` in the workspace."
    )
    projects_dir: Folder | None = Field(
        None, description="Folder for extracted projects. Default: `projects` in the workspace."
    )
    docs_folder: Annotated[str, AfterValidator(plain_folder)] = Field(
        "docs", description="Subfolder of a project for its files and results; may be nested, such as `media/clips`."
    )
    project_name_pattern: Annotated[str, AfterValidator(_pattern_with_group)] | None = Field(
        None,
        description="Regular expression whose group extracts the project name from the name of a delivery. "
        "Default: the whole name.",
    )
    work_dir: Folder | None = Field(
        None, description="Folder for the results of finished steps. Default: `work` in the workspace."
    )
    runs_dir: Folder | None = Field(
        None, description="Folder for the reports and logs of runs. Default: `runs` in the workspace."
    )
    delivery_dir: Folder | None = Field(
        None, description="Folder for finalized projects. Default: `delivery` in the workspace."
    )
    archive_dir: Folder | None = Field(
        None, description="Folder for permanent results, stored by content. Default: `archive` in the workspace."
    )
    database_url: str | None = Field(
        None, description="SQLAlchemy URL of the history. Default: the SQLite file `vidlib.sqlite` in the workspace."
    )

    notebooks_dir: Folder = Field(resource("notebooks"), description="Folder with the step notebooks.")
    params_dir: Folder = Field(
        resource("params"), description="Folder with the profiles that `--params` finds by name."
    )
    demo_video: Folder | None = Field(
        None, description="Video for step notebooks whose inputs are empty. Default: a clip of the demo."
    )
    vault_dir: Folder = Field(
        user_data_path("vidlib") / "models", validate_default=True, description="Folder for verified model weights."
    )
    models_dir: Folder | None = Field(
        None, description="Folder with weights that were downloaded by hand; searched before any download."
    )

    lemonfox_key: SecretStr | None = Field(
        None, description="API key of Lemonfox, required by the speech engine `lemonfox`."
    )
    lemonfox_url: str = Field(
        "https://api.lemonfox.ai/v1/audio/transcriptions",
        description="Address that `lemonfox` sends audio to. "
        "Servers in the EU: `https://eu-api.lemonfox.ai/v1/audio/transcriptions`.",
    )

    max_unpacked_bytes: int = Field(
        200 * GIB, gt=0, description="Largest total size of an extracted archive, in bytes."
    )
    max_files: int = Field(20_000, gt=0, description="Largest number of files in an archive.")
    max_ratio: float = Field(200, gt=1, description="Largest ratio of extracted bytes to bytes of the archive.")
    step_timeout_s: float = Field(6 * 3600, gt=0, description="A step fails after this many seconds.")
    step_memory_bytes: int | None = Field(
        None,
        gt=0,
        description="A step is stopped when it uses more memory than this. "
        "Default: an equal share of 80 % of the memory for each parallel task.",
    )

    max_download_bytes: int = Field(200 * GIB, gt=0, description="Largest size of a download, in bytes.")
    min_free_bytes: int = Field(GIB, ge=0, description="Disk space that downloads leave free, in bytes.")
    download_timeout_s: float = Field(24 * 3600, gt=0, description="A download fails after this many seconds.")
    min_download_rate: float = Field(
        1024,
        ge=0,
        description="A connection is replaced when it delivers fewer bytes per second than this over a minute.",
    )
    download_attempts: int = Field(
        6, ge=1, description="A download fails after this many attempts in a row without new data."
    )
    allow_private_hosts: str | None = Field(
        None,
        description="Comma-separated hosts that may be contacted although they resolve to private addresses.",
    )
    webhook_url: SecretStr | None = Field(
        None, description="Address from which `vidlib downloads monitor` reads the offered files."
    )
    webhook_token: SecretStr | None = Field(None, description="Bearer token for VIDLIB_WEBHOOK_URL.")
    webhook_every_s: float = Field(300, ge=1, description="Seconds between two requests to VIDLIB_WEBHOOK_URL.")
    monitor_providers: str = Field(
        "dropbox,fromsmash,swisstransfer,https",
        description="Comma-separated providers from which `vidlib downloads monitor` downloads automatically.",
    )
    monitor_names: str = Field(
        "*",
        description="Comma-separated patterns of file names that `vidlib downloads monitor` downloads automatically.",
    )
    monitor_max_age_days: float = Field(
        7, gt=0, description="Older offers, in days, are recorded but not downloaded automatically."
    )

    dashboard_host: str = Field("127.0.0.1", description="Address on which the dashboard listens.")
    dashboard_port: int = Field(
        8866, ge=0, le=65535, description="Port on which the dashboard listens; 0 picks a free port."
    )
    dashboard_token: SecretStr | None = Field(
        None, description="Token that opens the dashboard. Default: a new random token at every start."
    )

    notify_on: Literal["end", "failure"] = Field(
        "failure", description="Send notifications at every `end` of a run, or only after a `failure`."
    )
    notify_command: str | None = Field(
        None, description="Command that runs when a run ends; it gets a JSON document on standard input."
    )
    notify_url: SecretStr | None = Field(
        None, description="HTTP(S) address that receives a JSON document when a run ends."
    )
    notify_email: str | None = Field(
        None, description="Comma-separated addresses that receive an e-mail when a run ends."
    )
    smtp_url: SecretStr | None = Field(
        None, description="Mail server for notifications: `smtp(s)://user:password@host:port`."
    )
    smtp_from: str | None = Field(None, description="Sender address of the e-mails.")

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
        """The hosts in `allow_private_hosts`, in lower case."""
        return frozenset(name.strip().lower() for name in (self.allow_private_hosts or "").split(",") if name.strip())

    @property
    def database(self) -> str:
        return self.database_url or f"sqlite:///{self.workspace / 'vidlib.sqlite'}"


SECRETS = frozenset(name for name, field in Settings.model_fields.items() if SecretStr in get_args(field.annotation))
"""Settings that are never printed, never added to the environment, and never passed to other programs."""

STEP_SECRETS = frozenset({"lemonfox_key"})
"""Secrets that a step needs. The kernels of vidlib get them, and do not pass them on."""

DERIVED = {
    "inbox_dir": "inbox",
    "projects_dir": "projects",
    "work_dir": "work",
    "runs_dir": "runs",
    "delivery_dir": "delivery",
    "archive_dir": "archive",
    "database_url": "database",
}
"""Settings whose default depends on the workspace, and the property that has the value in force."""

KERNEL_MEMORY = {"MALLOC_ARENA_MAX": "2"}
"""glibc keeps up to eight heaps a core for threads. Pictures are allocated in one thread and freed in another, which
fragments all heaps: 220 MB after 5 minutes of video, and growing. Two heaps need 50 to 100 MB at the same speed."""


@dataclass(frozen=True)
class EffectiveSetting:
    """A setting in force: its value as text (None: not set; secrets: ``hidden``) and where the value comes from."""

    name: str
    variable: str
    value: str | None
    source: Source
    description: str


@lru_cache(maxsize=1)
def settings() -> Settings:
    """The settings of this process, read once.

    Raises SettingError, which names the variable, for a wrong value.
    """
    return load()


def load(**options: Any) -> Settings:
    """Read the settings now. ``options``, such as ``workspace=...``, win over the environment."""
    try:
        return Settings(**options)
    except ValidationError as error:
        raise SettingError(". ".join(_explain(problem, options) for problem in error.errors())) from error


def effective_settings(workspace: Path | None = None) -> list[EffectiveSetting]:
    """Every setting of this process, for people and programs; ``workspace`` is the option of that name, if given."""
    options = {} if workspace is None else {"workspace": workspace}
    chosen, sources = load(**options), _sources(options)
    return [
        EffectiveSetting(name, _variable(name), _shown_value(chosen, name), sources[name], field.description or "")
        for name, field in Settings.model_fields.items()
    ]


def unknown_variables() -> dict[str, str]:
    """Variables ``VIDLIB_*`` that are no settings, each with a hint such as `` did you mean 'VIDLIB_WORKSPACE'?``."""
    known = {_variable(name) for name in Settings.model_fields}
    given = {name.upper() for name in (*os.environ, *_dot_env()) if name.upper().startswith("VIDLIB_")}
    return {name: did_you_mean(name, known) or " vidlib ignores it" for name in sorted(given - known)}


def export(chosen: Settings) -> None:
    """Make ``chosen`` the settings of this process and of the processes that it starts.

    Secrets are not added to the environment. Secrets that are in it stay, except for the token of the dashboard.
    """
    os.environ.update(variables(chosen))
    os.environ.pop("VIDLIB_DASHBOARD_TOKEN", None)
    settings.cache_clear()


def variables(chosen: Settings) -> dict[str, str]:
    """``chosen`` as environment variables, without secrets."""
    values = chosen.model_dump(exclude=set(SECRETS), exclude_none=True)
    return {_variable(name): str(value) for name, value in values.items()}


def environment_without_secrets() -> dict[str, str]:
    """The environment of this process for programs of others: without secrets and passwords of databases."""
    secret = {_variable(name) for name in SECRETS}
    if _contains_password(os.environ.get("VIDLIB_DATABASE_URL", "")):
        secret.add("VIDLIB_DATABASE_URL")
    return {name: value for name, value in os.environ.items() if name.upper() not in secret}


def environment_of_kernels(chosen: Settings) -> dict[str, str]:
    """`environment_without_secrets` for a kernel of vidlib, with the secrets that steps need.

    The kernel removes them with `withhold_secrets` before it starts any program. Variables of `KERNEL_MEMORY` that are
    set already keep their values.
    """
    secrets = {_variable(name): getattr(chosen, name) for name in sorted(STEP_SECRETS)}
    needed = {name: secret.get_secret_value() for name, secret in secrets.items() if secret}
    return KERNEL_MEMORY | environment_without_secrets() | needed


def withhold_secrets() -> None:
    """Read the settings of this process, then remove every secret from its environment.

    Processes that it starts from now on inherit none. A wrong setting raises no error here, but at its next use.
    """
    with suppress(SettingError):
        settings()
    secret = {_variable(name) for name in SECRETS}
    for name in [name for name in os.environ if name.upper() in secret]:
        del os.environ[name]


def _variable(name: str) -> str:
    return f"VIDLIB_{name.upper()}"


def _dot_env() -> dict[str, str | None]:
    return dotenv_values(DOT_ENV)


def _sources(options: Mapping[str, Any]) -> dict[str, Source]:
    """Where each setting comes from; an empty variable counts as not set."""
    sources: dict[str, Source] = dict.fromkeys(Settings.model_fields, "default")
    places: tuple[tuple[Source, Mapping[str, str | None]], ...] = ((".env", _dot_env()), ("environment", os.environ))
    for source, given in places:
        filled = {name.upper() for name, value in given.items() if value}
        sources |= {name: source for name in sources if _variable(name) in filled}
    return sources | dict.fromkeys(options, "option")


def _shown_value(chosen: Settings, name: str) -> str | None:
    value = getattr(chosen, DERIVED.get(name, name))
    if value is None:
        return None
    return "hidden" if name in SECRETS or _contains_password(str(value)) else str(value)


def _contains_password(url: str) -> bool:
    address = urlsplit(url) if "://" in url else None
    return address is not None and ("@" in address.netloc or "password=" in address.query)


def _explain(problem: Mapping[str, Any], options: Mapping[str, Any]) -> str:
    """What pydantic found wrong, as: variable, value, expectation, remedy."""
    name = str(problem["loc"][0])
    value = "the value" if name in SECRETS else repr(problem["input"])
    source = _sources(options).get(name, "option")
    remedy = {"option": "give another value", "environment": "change or unset it in the environment"}
    return f"{_variable(name)}={value}: {expectation(problem['msg'])}; {remedy.get(source, 'change it in .env')}"
