"""The steps, in the order in which a video goes through them."""
