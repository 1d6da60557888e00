"""Reframing to another shape, such as 9:16: where a window stands in each shot, so that it shows who speaks.

`plan` decides for each shot; `framing` has its result. `bars` finds the picture between black bars, `windows` the
places where a window stands, and `gliding` the way of a window that follows people who move. `sequence` makes a
timeline for editing programs of it.
"""
