"""Compares results with ground truth: shots, faces, speaking and voices, in figures."""
