"""Who may do what on the dashboard, under which names it answers, and how often a wrong token is heard."""

import ipaddress
import math
import secrets
import socket
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, cast

from jupyter_server.auth.authorizer import Authorizer
from jupyter_server.auth.identity import IdentityProvider, User
from jupyter_server.base.call_context import CallContext
from jupyter_server.base.handlers import JupyterHandler
from tornado import routing, web
from tornado.httputil import HTTPServerRequest
from traitlets import Any as AnyTrait
from traitlets import Tuple

from vidlib.dashboard.roles import ROLE, USER
from vidlib.errors import SettingError
from vidlib.localization import LOCALES, Localization
from vidlib.setting_types import Account, Language, named_tokens
from vidlib.settings import Settings, settings

WRONG_TOKENS = 10
"""Wrong tokens that an address may send at once: enough for typing errors."""

EVERY_S = 6.0
"""Seconds until an address may send one more: 14,400 guesses a day, too few for any token worth the name."""

SHARED = "operator"
"""The name of the account that VIDLIB_DASHBOARD_TOKEN, or the random token, opens."""


class WrongTokens:
    """Counts wrong tokens by client address. A refused attempt does not count, so no wait is longer than EVERY_S."""

    def __init__(self, clock: Callable[[], float] = time.monotonic):
        self._clock = clock
        self._forgotten_at: dict[str, float] = {}  # when the last wrong token of an address no longer counts

    def wait_s(self, address: str) -> float:
        """Seconds until the server listens to a token from ``address``; 0 for now."""
        left = self._forgotten_at.get(network(address), 0) - self._clock()
        return max(0.0, left - (WRONG_TOKENS - 1) * EVERY_S)

    def add(self, address: str) -> None:
        """Count a wrong token from ``address``."""
        now = self._clock()
        self._forgotten_at = {known: at for known, at in self._forgotten_at.items() if at > now}
        self._forgotten_at[network(address)] = max(now, self._forgotten_at.get(network(address), 0)) + EVERY_S


def network(address: str) -> str:
    """The addresses that belong to one client: an IPv4 address, or an IPv6 network of 64 bits."""
    try:
        version = ipaddress.ip_address(address).version
    except ValueError:
        return address
    return address if version == 4 else str(ipaddress.ip_network(f"{address.partition('%')[0]}/64", strict=False))


class Accounts(IdentityProvider):
    """Signs in by one of several named tokens. Jupyter's own provider would also let a user set a password."""

    accounts = Tuple(config=True, help="each `Account`")
    wrong_tokens: Any = AnyTrait()

    def __init__(self, **options: Any):
        super().__init__(wrong_tokens=WrongTokens(), **options)
        self._over: set[str] = set()  # sign-ins whose cookie somebody may still have

    def account(self, user: User) -> Account | None:
        """The account of a signed-in user."""
        return next((account for account in self.accounts if account.name == user.username), None)

    def user_from_cookie(self, cookie_value: str) -> User | None:
        user = super().user_from_cookie(cookie_value)
        return user if user and self.account(user) else None

    async def get_user_token(self, handler: web.RequestHandler) -> User | None:
        token = self.get_token(handler)
        if token and self.wrong_tokens.wait_s(handler.request.remote_ip) and self.get_user_cookie(handler):
            return None  # who is signed in needs no token
        return self._signed_in(handler, token) if token else None

    def process_login_form(self, handler: web.RequestHandler) -> User | None:
        return self._signed_in(handler, handler.get_argument("password", default=""))

    def sign_in_of(self, handler: web.RequestHandler) -> str | None:
        """What distinguishes a sign-in from others of the same account: its cookie."""
        return handler.get_cookie(self.get_cookie_name(cast("JupyterHandler", handler)))

    def get_user_cookie(self, handler: web.RequestHandler) -> Any:
        return None if self.sign_in_of(handler) in self._over else super().get_user_cookie(handler)

    def clear_login_cookie(self, handler: web.RequestHandler) -> None:
        """Sign out. The pages that were opened with this sign-in end: their connections would stay open."""
        if self.get_user_cookie(handler) and (sign_in := self.sign_in_of(handler)):
            self._over.add(sign_in)
            handler.settings["kernel_manager"].end_pages(sign_in)
        super().clear_login_cookie(handler)

    def _signed_in(self, handler: web.RequestHandler, token: str) -> User | None:
        """The user whose token it is. Raises HTTPError 429 while the address has to wait."""
        address = handler.request.remote_ip or ""
        if wait_s := self.wrong_tokens.wait_s(address):
            handler.current_user = None  # the page of the error asks who is signed in
            raise web.HTTPError(429, f"This address sent too many wrong tokens. Try again in {math.ceil(wait_s)} s.")
        for account in self.accounts:
            if secrets.compare_digest(token.encode(), account.token.encode()):
                return User(account.name)
        self.wrong_tokens.add(address)
        return None


class Roles(Authorizer):
    """A page's kernel answers only to the account that opened the page. A viewer may only read everything else.

    What a viewer may do on a page, its kernel decides: see `vidlib.dashboard.roles`.
    """

    def is_authorized(self, handler: JupyterHandler, user: User, action: str, resource: str) -> bool:
        account = cast("Accounts", self.identity_provider).account(user)
        kernel_id = handler.path_kwargs.get("kernel_id", "")
        if resource == "kernels" and kernel_id in handler.kernel_manager:
            return getattr(handler.kernel_manager.get_kernel(kernel_id), "account", None) == account
        return account is not None and (account.role == "operator" or action == "read")


def current_account() -> Account | None:
    """The account of the request that this task answers."""
    handler = CallContext.get(CallContext.JUPYTER_HANDLER)
    user = handler.current_user if handler else None
    return handler.identity_provider.account(user) if user else None


def current_sign_in() -> str | None:
    """What distinguishes the sign-in of the request that this task answers."""
    handler = CallContext.get(CallContext.JUPYTER_HANDLER)
    return handler.identity_provider.sign_in_of(handler) if handler else None


def language() -> Language:
    """The first language that the browser wishes and vidlib speaks, else that of the settings."""
    handler = CallContext.get(CallContext.JUPYTER_HANDLER)
    wishes = handler.request.headers.get("Accept-Language", "").split(",") if handler else []
    known = (cast("Language", name) for wish in wishes if (name := wish.strip()[:2].lower()) in LOCALES)
    return next(known, settings().language)


def words() -> Localization:
    """Texts in the `language` of a request, for pages without a kernel: signing in and out, errors."""
    return Localization(language())


def kernel_variables(account: Account | None) -> dict[str, str]:
    """The variables that tell the kernel of a page its role, and under which name it records corrections."""
    if account is None:
        return {ROLE: "viewer"}
    name = {} if account.name == SHARED else {"VIDLIB_OPERATOR": account.name}
    return {ROLE: str(account.role), USER: account.name, **name}


def accounts(given: Settings) -> tuple[Account, ...]:
    """The accounts of the settings; without any, one with a random token for a page that only this machine can reach.

    Raises SettingError if other machines could reach the page without a token from the settings.
    """
    own = given.dashboard_token and given.dashboard_token.get_secret_value()
    found = (*([Account(SHARED, "operator", own)] if own else []), *named_tokens(given.dashboard_tokens))
    if found:
        return found
    if not is_loopback(given.dashboard_host):
        raise SettingError(
            f"VIDLIB_DASHBOARD_HOST={given.dashboard_host!r} opens the dashboard to other machines; "
            "set VIDLIB_DASHBOARD_TOKEN to a long secret first, or use 127.0.0.1"
        )
    return (Account(SHARED, "operator", secrets.token_urlsafe(24)),)


@dataclass(frozen=True)
class AllowedHosts(routing.Matcher):
    """Matches requests whose Host header names this server. A hostile name may resolve to it too (DNS rebinding)."""

    names: frozenset[str]
    any_address: bool
    """Whether any IP address is allowed, because a browser never resolves one; else loopback addresses only."""

    def match(self, request: HTTPServerRequest) -> dict[str, Any] | None:
        return {} if self.allows(request.host_name) else None

    def allows(self, host: str) -> bool:
        """Whether a Host header without its port names this server."""
        name = host.lower().removeprefix("[").removesuffix("]").removesuffix(".")
        try:
            address = ipaddress.ip_address(name)
        except ValueError:
            return name in self.names
        return self.any_address or address.is_loopback or name in self.names


def allowed_hosts(given: Settings) -> AllowedHosts:
    """The names of the address on which the dashboard listens, and those of the settings."""
    local = is_loopback(given.dashboard_host)
    own: Iterable[str] = () if local else (socket.gethostname().lower(),)
    names = {"localhost", given.dashboard_host.lower(), *own, *given.served_hosts()}
    return AllowedHosts(frozenset(names), any_address=not local)


class UnknownHost(web.RequestHandler):
    """Refuses a request under a name that is not allowed."""

    def prepare(self) -> None:
        self.set_status(403)
        self.set_header("Content-Type", "text/plain; charset=utf-8")
        self.finish(
            f"The dashboard does not answer to the host {self.request.host_name!r}. Open the address that "
            "vidlib dashboard prints, or add this host to VIDLIB_DASHBOARD_HOSTS and start the dashboard again.\n"
        )


def is_loopback(host: str) -> bool:
    """Whether an address is reachable from this machine only."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
