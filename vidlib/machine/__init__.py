"""The machine underneath: devices, load, signals, and background reading."""
