"""The history: an SQL database of runs, tasks, leases and downloads."""
