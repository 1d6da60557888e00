import os
import re
import traceback
from pathlib import Path

import pytest

from vidlib import settings as settings_module
from vidlib.child_environment import environment_of_kernels, environment_without_secrets, withhold_secrets
from vidlib.errors import SettingError
from vidlib.settings import (
    SECRETS,
    Settings,
    export,
    load,
    settings,
    variables,
)


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch, tmp_path):
    """No VIDLIB_* variable is set, and no ``.env`` exists."""
    for name in ("ENV_FILE", *map(str.upper, Settings.model_fields)):
        monkeypatch.delenv(f"VIDLIB_{name}", raising=False)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setattr(settings_module, "REPOSITORY", tmp_path / "checkout")
    monkeypatch.chdir(tmp_path)


def env_file(path: Path, text: str = "VIDLIB_NOTIFY_COMMAND=mail\n", mode: int = 0o644) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(mode)
    return path


def test_everything_lies_in_the_workspace_unless_moved(tmp_path):
    found = load()
    assert found.workspace == tmp_path / "workspace"
    places = (found.inbox, found.projects, found.work, found.runs, found.delivery, found.archive)
    assert [place.relative_to(found.workspace).name for place in places] == [
        "inbox",
        "projects",
        "work",
        "runs",
        "delivery",
        "archive",
    ]
    assert found.database == f"sqlite:///{tmp_path}/workspace/vidlib.sqlite"


@pytest.mark.parametrize("inside", ["", "notebooks", "notebooks/explore"])
def test_everything_in_the_checkout_uses_the_same_workspace(monkeypatch, tmp_path, inside):
    checkout, here = tmp_path / "checkout", tmp_path / "checkout" / inside
    here.mkdir(parents=True)
    monkeypatch.chdir(here)
    assert load().workspace == checkout / "workspace"
    (here / "workspace").mkdir(exist_ok=True)  # nothing was ever done in it
    (checkout / "workspace" / "inbox").mkdir(parents=True)
    assert load().workspace == checkout / "workspace"
    (here / "workspace" / "projects").mkdir()
    assert load().workspace == here / "workspace"
    monkeypatch.setenv("VIDLIB_WORKSPACE", "workspace")
    assert load().workspace == here / "workspace"


def test_a_workspace_outside_the_checkout_lies_in_the_current_folder(monkeypatch, tmp_path):
    (tmp_path / "workspace" / "inbox").mkdir(parents=True)
    (tmp_path / "deeper").mkdir()
    monkeypatch.chdir(tmp_path / "deeper")
    assert load().workspace == tmp_path / "deeper" / "workspace"


def test_one_folder_can_be_moved_alone(monkeypatch, tmp_path):
    monkeypatch.setenv("VIDLIB_ARCHIVE_DIR", "/mnt/years")
    assert load().archive == Path("/mnt/years")
    assert load().delivery == tmp_path / "workspace" / "delivery"


def test_a_dot_env_file_is_read_and_the_environment_wins_over_it(monkeypatch, tmp_path):
    file = env_file(tmp_path / "mine", "VIDLIB_MAX_FILES=10\nVIDLIB_DASHBOARD_PORT=9000\nOTHER=1\n")
    monkeypatch.setenv("VIDLIB_ENV_FILE", str(file))
    monkeypatch.setenv("VIDLIB_DASHBOARD_PORT", "9001")
    assert (load().max_files, load().dashboard_port, load().env_file) == (10, 9001, file)
    assert load(max_files=3).max_files == 3


def test_no_delivered_dot_env_is_read(tmp_path):
    env_file(tmp_path / ".env")
    env_file(tmp_path / "workspace" / ".env")  # the default workspace lies in the current folder
    assert (load().notify_command, load().env_file) == (None, None)


def test_a_relative_workspace_brings_no_dot_env_of_the_current_folder(monkeypatch, tmp_path):
    env_file(tmp_path / "here" / ".env")
    monkeypatch.setenv("VIDLIB_WORKSPACE", "here")
    assert load().env_file is None


def test_the_workspace_comes_before_the_checkout_and_that_before_the_home(monkeypatch, tmp_path):
    at_home = env_file(tmp_path / "config" / "vidlib" / ".env")
    assert load().env_file == at_home
    (tmp_path / "checkout").mkdir()
    (tmp_path / "checkout" / "pyproject.toml").touch()
    of_checkout = env_file(tmp_path / "checkout" / ".env")
    assert load().env_file == of_checkout
    of_workspace = env_file(tmp_path / "ws" / ".env")
    assert load(workspace=Path("ws")).env_file == of_workspace
    monkeypatch.setenv("VIDLIB_WORKSPACE", str(tmp_path / "ws"))
    assert load().env_file == of_workspace
    monkeypatch.setenv("VIDLIB_ENV_FILE", "/dev/null")
    assert load().env_file is None


def test_processes_that_vidlib_starts_read_the_same_file(tmp_path):
    assert variables(load())["VIDLIB_ENV_FILE"] == "/dev/null"
    file = env_file(tmp_path / "ws" / ".env")
    assert variables(load(workspace=tmp_path / "ws"))["VIDLIB_ENV_FILE"] == str(file)


@pytest.mark.parametrize("mode", [0o664, 0o646])
def test_a_dot_env_that_others_can_write_is_refused(tmp_path, mode):
    env_file(tmp_path / "ws" / ".env", mode=mode)
    with pytest.raises(SettingError, match=r"other users can change .*chmod go-w"):
        load(workspace=tmp_path / "ws")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file to another user")
@pytest.mark.parametrize("linked", [False, True])
def test_a_dot_env_of_another_user_is_refused(tmp_path, linked):
    file = tmp_path / "ws" / ".env"
    if linked:
        env_file(tmp_path / "target")
        file.parent.mkdir()
        file.symlink_to(tmp_path / "target")
    else:
        env_file(file)
    os.chown(file, 12345, -1, follow_symlinks=False)
    with pytest.raises(SettingError, match="belongs to the user 12345"):
        load(workspace=tmp_path / "ws")


def test_a_dot_env_that_is_not_utf_8_is_an_error_of_one_line(monkeypatch, tmp_path):
    file = tmp_path / "settings"
    file.write_bytes(b"VIDLIB_SMTP_FROM=caf\xe9@h\n")
    monkeypatch.setenv("VIDLIB_ENV_FILE", str(file))
    with pytest.raises(SettingError, match=r"settings is not UTF-8 \(byte 20\)"):
        load()


def test_a_named_file_that_does_not_exist_is_an_error(monkeypatch):
    monkeypatch.setenv("VIDLIB_ENV_FILE", "/nowhere/.env")
    with pytest.raises(SettingError, match=r"VIDLIB_ENV_FILE='/nowhere/\.env': expected a file"):
        load()


def test_an_option_wins_over_the_environment(monkeypatch, tmp_path):
    monkeypatch.setenv("VIDLIB_WORKSPACE", "/elsewhere")
    assert load(workspace=tmp_path / "mine").workspace == tmp_path / "mine"


def test_paths_are_absolute_and_know_the_home_folder(monkeypatch):
    monkeypatch.setenv("HOME", "/home/somebody")
    monkeypatch.setenv("VIDLIB_WORKSPACE", "~/video")
    assert load().workspace == Path("/home/somebody/video")


def test_an_empty_variable_counts_as_not_set(monkeypatch, tmp_path):
    monkeypatch.setenv("VIDLIB_WORKSPACE", "")
    assert load().workspace == tmp_path / "workspace"


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("MAX_FILES", "0", "expected a value greater than 0"),
        ("DASHBOARD_PORT", "http", "expected a valid integer"),
        ("NOTIFY_ON", "always", "expected 'end' or 'failure'"),
    ],
)
def test_a_wrong_value_is_refused_with_variable_value_expectation_and_remedy(monkeypatch, name, value, expected):
    monkeypatch.setenv(f"VIDLIB_{name}", value)
    with pytest.raises(SettingError) as raised:
        load()
    assert str(raised.value) == f"VIDLIB_{name}={value!r}: {expected}; change or unset it in the environment"
    assert raised.value.exit_code == 2


def test_a_wrong_value_in_dot_env_is_looked_for_there(tmp_path):
    file = env_file(tmp_path / "ws" / ".env", "VIDLIB_MAX_FILES=0\n")
    with pytest.raises(SettingError, match=f"; change it in {re.escape(str(file))}$"):
        load(workspace=tmp_path / "ws")


@pytest.mark.parametrize("folder", ["docs", "media/clips", "Küche 2/v1.0", "a/b/c/d"])
def test_files_of_a_project_may_be_in_any_plain_folder(monkeypatch, folder):
    monkeypatch.setenv("VIDLIB_DOCS_FOLDER", folder)
    assert load().docs_folder == folder


@pytest.mark.parametrize(
    "folder",
    [
        "/docs",
        "..",
        "a/../b",
        "./a",
        ".hidden",
        "a//b",
        "a/",
        "a\\b",
        "c:docs",
        "a.",
        "nul",
        "*",
        "com1.x/a",
        "a/b/c/d/e",
        "project.json",
    ],
)
def test_a_folder_outside_the_project_or_invalid_on_some_system_is_refused(monkeypatch, folder):
    monkeypatch.setenv("VIDLIB_DOCS_FOLDER", folder)
    with pytest.raises(SettingError, match=r"VIDLIB_DOCS_FOLDER=.*expected a plain folder") as raised:
        load()
    assert raised.value.exit_code == 2


@pytest.mark.parametrize("folder", ["a ", "a\nb", "x" * 101])
def test_a_folder_name_with_odd_characters_is_refused(folder):
    with pytest.raises(SettingError, match="expected a plain folder"):
        load(docs_folder=folder)


@pytest.mark.parametrize(
    ("pattern", "says"),
    [("(", "expected a regular expression: missing"), ("film", "with a group for the project name")],
)
def test_a_bad_pattern_is_one_line(monkeypatch, pattern, says):
    monkeypatch.setenv("VIDLIB_PROJECT_NAME_PATTERN", pattern)
    with pytest.raises(SettingError, match=says) as raised:
        load()
    assert raised.value.exit_code == 2
    assert "\n" not in str(raised.value)


def test_a_token_is_not_printed(monkeypatch):
    monkeypatch.setenv("VIDLIB_DASHBOARD_TOKEN", "hush")
    found = load()
    assert "hush" not in f"{found!r} {found} {found.model_dump_json()}"
    assert found.dashboard_token.get_secret_value() == "hush"


def test_exported_settings_leave_secrets_as_they_were(monkeypatch, tmp_path):
    monkeypatch.setenv("VIDLIB_NOTIFY_URL", "https://hooks.example/s3cret")
    monkeypatch.setattr(os, "environ", dict(os.environ))
    export(load(workspace=tmp_path / "mine", dashboard_token="hush", smtp_url="smtp://user:hush@host"))
    assert (load().workspace, load().dashboard_token, load().smtp_url) == (tmp_path / "mine", None, None)
    assert load().notify_url.get_secret_value() == "https://hooks.example/s3cret"


@pytest.mark.parametrize(
    "name", ["VIDLIB_NOTIFY_URL", "vidlib_smtp_url", "VIDLIB_DASHBOARD_TOKEN", "vidlib_dashboard_tokens"]
)
def test_other_programs_inherit_no_secret(monkeypatch, name):
    monkeypatch.setenv(name, "hush")
    assert name not in environment_without_secrets()


def test_a_kernel_gets_only_the_secrets_that_steps_need(monkeypatch):
    monkeypatch.setenv("VIDLIB_NOTIFY_URL", "https://hooks.example/s3cret")
    seen = environment_of_kernels(load(lemonfox_key="hush"))
    assert seen["VIDLIB_LEMONFOX_KEY"] == "hush"
    assert "VIDLIB_NOTIFY_URL" not in seen
    assert "VIDLIB_LEMONFOX_KEY" not in environment_of_kernels(load())
    assert "VIDLIB_LEMONFOX_KEY" not in environment_without_secrets()


def test_a_kernel_has_two_heaps_unless_the_environment_says_otherwise(monkeypatch):
    monkeypatch.delenv("MALLOC_ARENA_MAX", raising=False)
    assert environment_of_kernels(load())["MALLOC_ARENA_MAX"] == "2"
    monkeypatch.setenv("MALLOC_ARENA_MAX", "5")
    assert environment_of_kernels(load())["MALLOC_ARENA_MAX"] == "5"


def test_programs_of_a_kernel_inherit_no_secret(monkeypatch):
    monkeypatch.setattr(os, "environ", dict(os.environ))
    os.environ.update({"VIDLIB_LEMONFOX_KEY": "hush", "vidlib_smtp_url": "hush"})
    settings.cache_clear()
    withhold_secrets()
    assert "hush" not in os.environ.values()
    settings.cache_clear()


def test_secrets_are_removed_even_if_a_setting_is_wrong(monkeypatch):
    monkeypatch.setattr(os, "environ", dict(os.environ))
    os.environ |= {"VIDLIB_LEMONFOX_KEY": "hush", "VIDLIB_MAX_FILES": "0"}
    settings.cache_clear()
    withhold_secrets()
    assert "VIDLIB_LEMONFOX_KEY" not in os.environ


@pytest.mark.parametrize(
    ("url", "is_secret"),
    [
        ("sqlite:////data/vidlib.sqlite", False),
        ("postgresql://db/vidlib", False),
        ("postgresql://vidlib:hush@db/vidlib", True),
        ("postgresql://db/vidlib?user=vidlib&password=hush", True),
    ],
)
def test_other_programs_inherit_no_database_password(monkeypatch, url, is_secret):
    monkeypatch.setenv("VIDLIB_DATABASE_URL", url)
    assert ("VIDLIB_DATABASE_URL" not in environment_without_secrets()) == is_secret


def test_the_dashboard_listens_on_this_machine_only_by_default():
    assert load().dashboard_host == "127.0.0.1"


def test_a_process_reads_its_settings_once():
    assert settings() is settings()


def test_every_setting_has_a_description():
    undescribed = [name for name, field in Settings.model_fields.items() if not field.description]
    assert undescribed == []


@pytest.mark.parametrize("name", ["WEBHOOK_TOKEN", "LEMONFOX_KEY"])
@pytest.mark.parametrize("value", ["hush\nhush", "hush\r", "hush hush", "hüsh hush"])
def test_a_secret_that_no_header_can_hold_is_refused_and_not_shown(monkeypatch, name, value):
    monkeypatch.setenv(f"VIDLIB_{name}", value)
    with pytest.raises(SettingError, match=f"VIDLIB_{name}=the value: expected printable ASCII") as raised:
        load()
    assert "hush" not in "".join(traceback.format_exception(raised.value))


def test_the_secrets_are_known():
    dashboard = {"dashboard_token", "dashboard_tokens"}
    assert {"cast_key", "webhook_token", "lemonfox_key", "notify_url", "smtp_url", "webhook_url"} | dashboard == SECRETS
