"""lemonfox."""
