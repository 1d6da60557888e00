"""Tracks of faces and objects in a shot, whose face each one shows, and which of the faces is speaking.

Arrays go in, tracks come out: nothing here reads a file or loads a model.
"""
