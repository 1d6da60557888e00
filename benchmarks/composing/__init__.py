"""Composition of videos from real material, so that their ground truth is exact; see ``benchmarks/compose.py``."""
