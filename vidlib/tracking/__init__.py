"""Following faces and things through a shot: boxes linked into tracks, and which of the faces is speaking.

Nothing here reads a file or loads a model: arrays in, tracks out.
"""
