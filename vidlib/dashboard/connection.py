"""The connection between a page and its kernel: Jupyter's, but it checks how many parts a message claims to have."""

from jupyter_server.services.kernels.connection.channels import ZMQChannelsWebsocketConnection

PROTOCOL = "v1.kernel.websocket.jupyter.org"
"""The protocol of ``static/kernel.js``. A message begins with the number of its offsets, then has the offsets."""

OFFSET_BYTES = 8
"""Length of the number, and of each offset."""


class Connection(ZMQChannelsWebsocketConnection):
    """Closes at a message that no page sends. Jupyter believes the number, and billions of offsets stop the server."""

    def handle_incoming_message(self, incoming_msg: str | bytes) -> None:
        """Pass a message on to the kernel, or close the connection."""
        if self.subprotocol == PROTOCOL and isinstance(incoming_msg, bytes) and _has_its_offsets(incoming_msg):
            super().handle_incoming_message(incoming_msg)  # type: ignore[arg-type] # Jupyter names the older type
        else:
            self.websocket_handler.close(1002, f"expected a message of {PROTOCOL}")


def _has_its_offsets(message: bytes) -> bool:
    """Whether a message is long enough for the offsets that it claims to have.

    >>> _has_its_offsets(bytes([1, *[0] * 15])), _has_its_offsets(b"x" * 16)
    (True, False)
    """
    return (int.from_bytes(message[:OFFSET_BYTES], "little") + 1) * OFFSET_BYTES <= len(message)
