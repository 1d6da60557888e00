"""Downloads: their state in the history, the worker that fetches them, and the monitor of the webhook."""
