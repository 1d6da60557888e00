"""Models behind Protocols, one room for each kind of work; the file of a room lists its engines."""
