"""Texts for Hypothesis."""

from hypothesis import strategies as st

ANY_CHARACTER = st.characters(exclude_categories=["Cs"])
"""Every character that UTF-8 has. `st.text` finds the same ones by trying all: more than a second of each process."""

ANY_TEXT = st.text(ANY_CHARACTER)
