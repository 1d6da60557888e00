"""The operators' page: plain state, panels that draw it, and the server that shows it."""
