"""What the kernel of a page knows about the person at the browser."""

import os

ROLE = "REMOTE_ROLE"
"""The variable, beside QUERY_STRING and others of CGI, in which the server tells a kernel the role of its page."""

USER = "REMOTE_USER"
"""The variable with the name of the token that opened the page."""

REFUSAL = "The role of your token, viewer, changes nothing. Sign in with the token of an operator."


def may_change() -> bool:
    """Whether this page may start, cancel and correct. Outside the dashboard, as in JupyterLab, it may."""
    return os.environ.get(ROLE, "operator") == "operator"


def name() -> str:
    """The name of the signed-in person, as the head of the page shows it."""
    return os.environ.get(USER, "")
