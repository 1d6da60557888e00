"""Which tokens, hosts and attempts the dashboard accepts, as plain values."""

import pytest
from pydantic import SecretStr

from vidlib.dashboard.access import EVERY_S, WRONG_TOKENS, WrongTokens, allowed_hosts, kernel_variables
from vidlib.errors import SettingError
from vidlib.setting_types import Account, named_tokens
from vidlib.settings import load


class Clock:
    """A clock that a test moves."""

    now = 1000.0

    def __call__(self) -> float:
        return self.now


def guess(counter: WrongTokens, times: int, address: str = "192.0.2.1") -> None:
    for _ in range(times):
        counter.add(address)


def test_a_few_wrong_tokens_cost_nothing():
    counter = WrongTokens(Clock())
    guess(counter, WRONG_TOKENS - 1)
    assert counter.wait_s("192.0.2.1") == 0


def test_after_more_the_address_waits_for_one_attempt_and_others_do_not():
    clock = Clock()
    counter = WrongTokens(clock)
    guess(counter, WRONG_TOKENS)
    assert counter.wait_s("192.0.2.1") == EVERY_S
    assert counter.wait_s("192.0.2.2") == 0
    clock.now += EVERY_S
    assert counter.wait_s("192.0.2.1") == 0
    guess(counter, 1)
    assert counter.wait_s("192.0.2.1") == EVERY_S


def test_a_client_with_many_addresses_of_ipv6_is_one_client():
    counter = WrongTokens(Clock())
    guess(counter, WRONG_TOKENS, "2001:db8:1:2::1")
    assert counter.wait_s("2001:db8:1:2:ffff::9") == EVERY_S
    assert counter.wait_s("2001:db8:1:3::1") == 0


@pytest.mark.parametrize(
    ("listens", "host", "allowed"),
    [
        ("127.0.0.1", "localhost", True),
        ("127.0.0.1", "127.0.0.53", True),
        ("127.0.0.1", "[::1]", True),
        ("127.0.0.1", "proxy.example", True),
        ("127.0.0.1", "192.0.2.7", False),
        ("127.0.0.1", "localhost.evil.example", False),
        ("127.0.0.1", "", False),
        ("0.0.0.0", "192.0.2.7", True),
        ("0.0.0.0", "[2001:db8::1]", True),
        ("0.0.0.0", "evil.example", False),
        ("video.example", "video.example", True),
        ("video.example", "evil.example", False),
    ],
)
def test_the_names_follow_from_where_it_listens(listens, host, allowed):
    given = load(dashboard_host=listens, dashboard_hosts="Proxy.example , other.example")
    assert allowed_hosts(given).allows(host) == allowed


def test_a_token_may_contain_a_colon():
    found = named_tokens(SecretStr("anna:operator:a:b, marc k:viewer:c,"))
    assert found == (Account("anna", "operator", "a:b"), Account("marc k", "viewer", "c"))


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ("hush", "name:role:token in entry 1"),
        ("anna:operator:x1, marc:admin:hush", "name:role:token in entry 2"),
        ("anna:operator:", "name:role:token in entry 1"),
        ("operator:viewer:hush", "another name than operator"),
        ("anna:operator:hush, anna:viewer:hush2", "expected another name for each entry"),
        ("anna:operator:hush, marc:viewer:hush", "expected another token for each entry"),
    ],
)
def test_wrong_entries_are_refused_and_not_shown(given, says):
    with pytest.raises(SettingError, match=says) as raised:
        load(dashboard_tokens=given)
    assert "VIDLIB_DASHBOARD_TOKENS=the value" in str(raised.value)
    assert "hush" not in str(raised.value)


def test_a_page_records_corrections_under_the_name_of_its_token():
    anna, shared = Account("anna", "operator", "x"), Account("operator", "operator", "x")
    named = {"REMOTE_ROLE": "operator", "REMOTE_USER": "anna", "VIDLIB_OPERATOR": "anna"}
    assert kernel_variables(anna) == named
    assert kernel_variables(shared) == {"REMOTE_ROLE": "operator", "REMOTE_USER": "operator"}
    assert kernel_variables(None) == {"REMOTE_ROLE": "viewer"}
