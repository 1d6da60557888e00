"""Films that are composed of real material, so that everything about them is known: see ``benchmarks/compose.py``."""
