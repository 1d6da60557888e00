"""Executes tasks: on this machine or on a Dask cluster, with a heartbeat for each."""
