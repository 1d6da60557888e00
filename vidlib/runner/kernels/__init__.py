"""Warm Jupyter kernels, and the Papermill engine that runs notebooks in them."""
