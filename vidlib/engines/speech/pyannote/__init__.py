"""Speech with pyannote.audio: its pipeline on this machine, window by window."""
