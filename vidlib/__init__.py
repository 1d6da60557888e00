"""A notebook workstation for video analysis."""
