"""Downloads: what was offered, what became of it, and the worker that fetches it."""
