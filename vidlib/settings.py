"""The settings: every folder, limit and secret of this installation.

This module alone reads the environment variables ``VIDLIB_*`` and, with `vidlib.env_file`, the file ``.env``.
"""

import os
from collections.abc import Collection, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal, get_args

from platformdirs import user_config_path, user_data_path
from pydantic import ConfigDict, Field, PrivateAttr, SecretStr, ValidationError

from vidlib import env_file
from vidlib.errors import SettingError, expectation
from vidlib.folder_settings import WORKSPACE, FolderSettings
from vidlib.setting_types import (
    Folder,
    HeaderSecret,
    Language,
    NamedTokens,
    host_names,
)

PACKAGE = Path(__file__).resolve().parent
REPOSITORY = PACKAGE.parent
"""The checkout of vidlib, where this package was not installed from a wheel."""

GIB = 1024**3


def default_workspace() -> Path:
    """The workspace if none is set.

    Inside the checkout it is the nearest folder `WORKSPACE` upwards that has been used, or that of the checkout. A
    notebook in a subfolder therefore finds the results that commands in the checkout made. Elsewhere it is the folder
    of this name in the current folder.
    """
    here = Path.cwd()
    if not here.is_relative_to(REPOSITORY):
        return here / WORKSPACE
    upwards = [folder / WORKSPACE for folder in (here, *here.parents) if folder.is_relative_to(REPOSITORY)]
    used = (folder for folder in upwards if any((folder / name).is_dir() for name in ("inbox", "projects", "work")))
    return next(used, REPOSITORY / WORKSPACE)


def resource(name: str) -> Path:
    """The folder of the checkout with this name, or the copy of it that an installed package contains."""
    packaged = PACKAGE / "_resources" / name
    return packaged if packaged.is_dir() else REPOSITORY / name


class Settings(FolderSettings):
    """Folders, addresses, limits and secrets. Folders that are not set lie in the workspace."""

    model_config = ConfigDict(validate_default=True, hide_input_in_errors=True)

    _file: Path | None = PrivateAttr(None)

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

    lemonfox_key: HeaderSecret = Field(
        None, description="API key of Lemonfox, required by the speech engine `lemonfox`."
    )
    lemonfox_url: str = Field(
        "https://api.lemonfox.ai/v1/audio/transcriptions",
        description="Address that `lemonfox` sends audio to. "
        "Servers in the EU: `https://eu-api.lemonfox.ai/v1/audio/transcriptions`.",
    )
    lemonfox_timeout_s: float = Field(
        1200, gt=0, description="`lemonfox` fails after this many seconds, with all its attempts."
    )
    lemonfox_idle_s: float = Field(
        300, gt=0, description="A connection to `lemonfox` is replaced after this many seconds without a byte."
    )

    cast_purpose: str | None = Field(
        None, max_length=2000, description="What people are recognized across videos for. Without it, the cast is off."
    )
    cast_legal_basis: str | None = Field(
        None,
        max_length=2000,
        description="What permits it, such as the consent of each person. Without it, the cast is off.",
    )
    cast_retention_days: int | None = Field(
        None, gt=0, le=36_500, description="Days after which a collected face and voice are erased; required."
    )
    cast_key: SecretStr | None = Field(
        None, description="Key of the cast: 32 bytes in URL-safe base64. Default: the one in VIDLIB_CAST_KEY_FILE."
    )
    cast_key_file: Folder = Field(
        user_data_path("vidlib") / "cast.key",
        validate_default=True,
        description="File with the key of the cast, which the first use makes, readable for this user only.",
    )

    dask_tls_ca: Folder | None = Field(
        None, description="Certificate of the authority that signs those of the Dask cluster, for `tls://` addresses."
    )
    dask_tls_cert: Folder | None = Field(None, description="Certificate of this machine in the Dask cluster.")
    dask_tls_key: Folder | None = Field(None, description="Private key of VIDLIB_DASK_TLS_CERT.")

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
    webhook_token: HeaderSecret = Field(None, description="Bearer token for VIDLIB_WEBHOOK_URL.")
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

    language: Language = Field("en", description="Language of reports, the shelf, summaries and players: `en` or `fr`.")

    dashboard_host: str = Field("127.0.0.1", description="Address on which the dashboard listens.")
    dashboard_port: int = Field(
        8866, ge=0, le=65535, description="Port on which the dashboard listens; 0 picks a free port."
    )
    dashboard_token: SecretStr | None = Field(
        None, description="Token that opens the dashboard. Default without any: a new random token at every start."
    )
    dashboard_tokens: NamedTokens = Field(
        None,
        description="Comma-separated tokens of several people, each as `name:role:token`. The role `operator` may do "
        "everything; the role `viewer` starts, cancels and corrects nothing.",
    )
    dashboard_hosts: str | None = Field(
        None, description="Comma-separated host names of the dashboard, such as that of a proxy in front of it."
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
    def env_file(self) -> Path | None:
        """The file ``.env`` that was read."""
        return self._file

    def private_hosts(self) -> frozenset[str]:
        """The hosts in `allow_private_hosts`, in lower case."""
        return host_names(self.allow_private_hosts)

    def served_hosts(self) -> frozenset[str]:
        """The hosts in `dashboard_hosts`, in lower case."""
        return host_names(self.dashboard_hosts)


SECRETS = frozenset(name for name, field in Settings.model_fields.items() if SecretStr in get_args(field.annotation))
"""Settings that are never printed, never added to the environment, and never passed to other programs."""


@lru_cache(maxsize=1)
def settings() -> Settings:
    """The settings of this process, read once.

    Raises SettingError, which names the variable, for a wrong value.
    """
    return _adopted.pop() if _adopted else load()


_adopted: list[Settings] = []


def adopt(chosen: Settings) -> Settings:
    """Make ``chosen`` the settings of this process, such as those of a workspace that the command line names."""
    settings.cache_clear()
    _adopted[:] = [chosen]
    return settings()


def load(**options: Any) -> Settings:
    """Read the settings now. ``options``, such as ``workspace=...``, win over the environment, and that over ``.env``.

    Raises SettingError for a wrong value, and for a file ``.env`` that cannot be trusted or read.
    """
    file = find_env_file(options.get("workspace"))
    from_file = given_values(env_file.read(file) if file else {})
    from_environment = given_values(os.environ)
    values: dict[str, Any] = from_file | from_environment | options
    if "workspace" not in values:
        values["workspace"] = default_workspace()
    try:
        chosen = Settings(**values)
    except ValidationError as error:
        in_file = from_file.keys() - from_environment.keys()
        problems = (_explain(problem, options, in_file, file) for problem in error.errors())
        raise SettingError(". ".join(problems)) from error
    chosen._file = file
    return chosen


def find_env_file(workspace: Path | str | None = None) -> Path | None:
    """Return the file ``.env`` to read: that of the workspace, of the checkout, or of the user's configuration.

    The workspace counts if it is named by the option ``workspace`` or as an absolute path by VIDLIB_WORKSPACE. The
    current folder never counts: it may be a delivery. VIDLIB_ENV_FILE names another file.
    """
    folders = [REPOSITORY] if REPOSITORY.joinpath("pyproject.toml").is_file() else []
    folders.append(user_config_path("vidlib"))
    named = next((value for name, value in os.environ.items() if name.upper() == "VIDLIB_WORKSPACE" and value), "")
    chosen = Path(workspace or named).expanduser()
    if workspace or chosen.is_absolute():
        folders.insert(0, chosen)
    return env_file.find(folder.absolute() for folder in folders)


def export(chosen: Settings) -> None:
    """Make ``chosen`` the settings of this process and of the processes that it starts.

    Secrets are not added to the environment. Secrets that are in it stay, except for the tokens of the dashboard.
    """
    os.environ.update(variables(chosen))
    for name in ("VIDLIB_DASHBOARD_TOKEN", "VIDLIB_DASHBOARD_TOKENS"):
        os.environ.pop(name, None)
    settings.cache_clear()


def variables(chosen: Settings) -> dict[str, str]:
    """``chosen`` as environment variables, without secrets. A process that gets them reads the same file ``.env``."""
    values = chosen.model_dump(exclude=set(SECRETS), exclude_none=True)
    file = {env_file.VARIABLE: str(chosen.env_file or os.devnull)}
    return {variable_name(name): str(value) for name, value in values.items()} | file


def variable_name(name: str) -> str:
    """The environment variable of a setting."""
    return f"VIDLIB_{name.upper()}"


def given_values(variables: Mapping[str, str]) -> dict[str, str]:
    """The settings among ``variables``, whose names may have any case. An empty variable counts as not set."""
    filled = {name.upper(): value for name, value in variables.items() if value}
    return {name: filled[variable] for name in Settings.model_fields if (variable := variable_name(name)) in filled}


def _explain(
    problem: Mapping[str, Any], options: Collection[str], from_file: Collection[str], file: Path | None
) -> str:
    """What pydantic found wrong, as: variable, value, expectation, remedy."""
    name = str(problem["loc"][0])
    value = "the value" if name in SECRETS else repr(problem["input"])
    remedy = "change or unset it in the environment"
    if name in options:
        remedy = "give another value"
    elif name in from_file:
        remedy = f"change it in {file}"
    return f"{variable_name(name)}={value}: {expectation(problem['msg'])}; {remedy}"
