"""The player of a video in the browser: picture, faces, lanes on one time axis, and corrections by a person."""
