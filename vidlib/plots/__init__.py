"""Figures for notebooks and reports."""
