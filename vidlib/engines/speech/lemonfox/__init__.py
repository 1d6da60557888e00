"""Speech by the Lemonfox API: the client of the service, and the engine that uses it."""
