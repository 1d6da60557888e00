"""Videos whose sound is exchanged: the pictures are analysed once, and who speaks follows from the sound."""
