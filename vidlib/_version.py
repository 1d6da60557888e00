"""The version of this package: the only place that names it."""

VERSION = "0.2.0"
