"""The environment of processes that vidlib starts: no secret reaches a program that does not need it."""

import os
from contextlib import suppress
from typing import TYPE_CHECKING

from vidlib.errors import SettingError

if TYPE_CHECKING:
    from vidlib.settings import Settings

STEP_SECRETS = frozenset({"lemonfox_key"})
"""Secrets that a step needs. The kernels of vidlib get them, and do not pass them on."""

KERNEL_MEMORY = {"MALLOC_ARENA_MAX": "2"}
"""glibc keeps up to eight heaps a core for threads. Pictures are allocated in one thread and freed in another, which
fragments all heaps: 220 MB after 5 minutes of video, and growing. Two heaps need 50 to 100 MB at the same speed."""


def environment_without_secrets() -> dict[str, str]:
    """The environment of this process for programs of others: without secrets and passwords of databases."""
    from vidlib.setting_types import contains_password
    from vidlib.settings import SECRETS, variable_name

    secret = {variable_name(name) for name in SECRETS}
    if contains_password(os.environ.get("VIDLIB_DATABASE_URL", "")):
        secret.add("VIDLIB_DATABASE_URL")
    return {name: value for name, value in os.environ.items() if name.upper() not in secret}


def environment_of_kernels(chosen: "Settings") -> dict[str, str]:
    """`environment_without_secrets` for a kernel of vidlib, with the secrets that steps need.

    The kernel removes them with `withhold_secrets` before it starts any program. Variables of `KERNEL_MEMORY` that are
    set already keep their values.
    """
    from vidlib.settings import variable_name

    secrets = {variable_name(name): getattr(chosen, name) for name in sorted(STEP_SECRETS)}
    needed = {name: secret.get_secret_value() for name, secret in secrets.items() if secret}
    return KERNEL_MEMORY | environment_without_secrets() | needed


def withhold_secrets() -> None:
    """Read the settings of this process, then remove every secret from its environment.

    Processes that it starts from now on inherit none. A wrong setting raises no error here, but at its next use.
    """
    from vidlib.settings import SECRETS, settings, variable_name

    with suppress(SettingError):
        settings()
    secret = {variable_name(name) for name in SECRETS}
    for name in [name for name in os.environ if name.upper() in secret]:
        del os.environ[name]
