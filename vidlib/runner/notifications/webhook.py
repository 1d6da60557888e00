"""Notification by a webhook: the JSON of the run, with a subject and a text, in one POST request."""

import json
import logging
import time

from vidlib.http import is_busy, retry_after_s
from vidlib.runner.notifications import message, secret_urls
from vidlib.runner.notifications.message import Payload

SOCKET_LIMIT_S = 20.0
"""A connection ends after this many seconds without a byte from the server."""


def check(url: str) -> None:
    """Raise SettingError unless ``url`` is an address of http or https."""
    secret_urls.parse("notify_url", url, ("http", "https"))


def send(url: str, payload: Payload) -> None:
    """Post the payload to ``url``; raises httpx.HTTPError, with HTTPStatusError for any answer but 2xx."""
    import httpx

    check(url)
    logging.getLogger("httpx").setLevel(logging.WARNING)  # at INFO it logs every address, with the token
    document = {"subject": message.subject(payload), "text": message.text(payload), **payload}
    content, headers = json.dumps(document).encode(), {"Content-Type": "application/json"}
    # we do not read the body of the answer: it may be endless
    with httpx.stream("POST", url, content=content, headers=headers, timeout=SOCKET_LIMIT_S) as answer:
        if not answer.is_success:
            text = f"the server answered {answer.status_code}"
            raise httpx.HTTPStatusError(text, request=answer.request, response=answer)


def is_retryable(error: BaseException) -> bool:
    """Return whether the same request may succeed a little later."""
    import httpx

    if isinstance(error, httpx.HTTPStatusError):
        return is_busy(error.response.status_code)
    return isinstance(error, httpx.TimeoutException | httpx.NetworkError | httpx.RemoteProtocolError | OSError)


def asked_pause_s(error: BaseException) -> float | None:
    """Return the seconds that the server asks to wait for, or None."""
    import httpx

    if not isinstance(error, httpx.HTTPStatusError):
        return None
    return retry_after_s(error.response.headers.get("Retry-After"), time.time())


def explain(error: Exception) -> str | None:
    """Return the reason of an error without the address, or None for an error of another kind."""
    import httpx

    match error:
        case httpx.HTTPStatusError():
            code = error.response.status_code
            redirect = "; redirects are not followed, set the address of its target" if 300 <= code < 400 else ""
            return f"the server answered {code}{redirect}"
        case httpx.TimeoutException():
            return "the server did not answer in time"
        case httpx.ConnectError():
            return f"no connection to the server: {error}"
        case httpx.HTTPError():
            return f"the connection failed with {type(error).__name__}"
    return None
