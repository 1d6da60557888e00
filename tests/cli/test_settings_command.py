"""``vidlib settings``: every setting, its value and its source."""

import json


def rows(vidlib, *options: object) -> dict[str, dict]:
    code, out, _ = vidlib("settings", "--json", *options)
    assert code == 0
    return {row["variable"]: row for row in json.loads(out)["settings"]}


def test_every_value_comes_with_its_source(vidlib, monkeypatch, tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / ".env").write_text("VIDLIB_MAX_FILES=10\nVIDLIB_DASHBOARD_PORT=9000\n")
    monkeypatch.setenv("VIDLIB_DASHBOARD_PORT", "9001")
    monkeypatch.setenv("VIDLIB_MAX_RATIO", "")
    found = rows(vidlib, "--workspace", tmp_path / "mine")
    expected = {
        "VIDLIB_WORKSPACE": (str(tmp_path / "mine"), "option"),
        "VIDLIB_INBOX_DIR": (str(tmp_path / "mine" / "inbox"), "default"),
        "VIDLIB_MAX_FILES": ("10", ".env"),
        "VIDLIB_DASHBOARD_PORT": ("9001", "environment"),
        "VIDLIB_MAX_RATIO": ("200.0", "default"),
        "VIDLIB_SMTP_FROM": (None, "default"),
    }
    assert {name: (found[name]["value"], found[name]["source"]) for name in expected} == expected


def test_secrets_stay_hidden(vidlib, monkeypatch):
    monkeypatch.setenv("VIDLIB_LEMONFOX_KEY", "hush")
    monkeypatch.setenv("VIDLIB_DATABASE_URL", "postgresql://vidlib:hush@db/vidlib")
    found = rows(vidlib)
    assert found["VIDLIB_LEMONFOX_KEY"]["value"] == found["VIDLIB_DATABASE_URL"]["value"] == "hidden"
    assert found["VIDLIB_SMTP_URL"]["value"] is None
    assert "hush" not in "".join(map(str, vidlib("settings")))


def test_a_misspelt_variable_is_named(vidlib, monkeypatch):
    monkeypatch.setenv("VIDLIB_WORKSPCE", "/srv/vidlib")
    code, out, err = vidlib("settings")
    assert (code, "VIDLIB_INBOX_DIR" in out) == (0, True)
    assert "VIDLIB_WORKSPCE is not a setting; did you mean 'VIDLIB_WORKSPACE'?" in err


def test_the_file_that_was_read_is_named(vidlib, tmp_path):
    file = tmp_path / "mine" / ".env"
    file.parent.mkdir()
    file.write_text("VIDLIB_MAX_FILS=10\n")
    code, out, err = vidlib("settings", "--workspace", file.parent)
    assert (code, f".env: {file}" in out) == (0, True)
    assert "VIDLIB_MAX_FILS is not a setting" in err
    code, out, _ = vidlib("settings", "--json", "--workspace", file.parent)
    assert json.loads(out)["env_file"] == str(file)


def test_a_dot_env_in_the_current_folder_runs_nothing(vidlib, monkeypatch, tmp_path):
    (tmp_path / ".env").write_bytes(b"VIDLIB_NOTIFY_COMMAND=touch ran\xff\n")
    monkeypatch.chdir(tmp_path)
    assert rows(vidlib)["VIDLIB_NOTIFY_COMMAND"]["value"] is None
