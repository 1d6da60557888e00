"""The parts of a diarization: speaker embeddings, their clusters, and the turns that follow from both."""
