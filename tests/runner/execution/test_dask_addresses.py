"""A Dask scheduler that others can reach."""

import warnings

import pytest

from vidlib.runner.execution.dask_executor import tls, warn_if_open
from vidlib.settings import settings


@pytest.mark.parametrize("scheduler", ["tcp://render-1:8786", "tcp://10.0.0.1:8786", "ws://[2001:db8::1]:8786"])
def test_a_scheduler_without_tls_on_another_machine_gets_a_warning(scheduler):
    with pytest.warns(UserWarning, match=r"has no TLS.*VIDLIB_DASK_TLS_CA"):
        warn_if_open(scheduler)


@pytest.mark.parametrize(
    "scheduler", ["tls://render-1:8786", "tcp://127.0.0.1:8786", "tcp://[::1]:1", "tcp://localhost:1"]
)
def test_other_schedulers_get_none(scheduler):
    with warnings.catch_warnings(record=True) as given:
        warnings.simplefilter("always")
        warn_if_open(scheduler)
    assert given == []


def test_the_certificates_come_from_the_settings(workspace, monkeypatch):
    assert tls() is None
    for name in ("CA", "CERT", "KEY"):
        monkeypatch.setenv(f"VIDLIB_DASK_TLS_{name}", f"/etc/vidlib/{name}.pem")
    settings.cache_clear()
    assert tls().get_tls_config_for_role("worker")["cert"] == "/etc/vidlib/CERT.pem"
    assert tls().require_encryption
