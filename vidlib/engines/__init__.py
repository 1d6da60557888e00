"""Models that analyse pictures and sound; each room has a registry of its engines.

`vidlib.protocols` states what each kind of model does.
"""
