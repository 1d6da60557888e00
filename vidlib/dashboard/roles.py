"""What the kernel of a page knows about the person at the browser."""

import os

ROLE = "REMOTE_ROLE"
"""The variable, beside QUERY_STRING and others of CGI, in which the server tells a kernel the role of its page."""

REFUSAL = "The role of your token, viewer, changes nothing. Sign in with the token of an operator."


def may_change() -> bool:
    """Whether this page may start, cancel and correct. Outside the dashboard, as in JupyterLab, it may."""
    return os.environ.get(ROLE, "operator") == "operator"
