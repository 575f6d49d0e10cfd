"""The Asterisk that the platform runs: its generated files and its command line."""

from cti.asterisk.files import AsteriskMissing, command, write_config

__all__ = ["AsteriskMissing", "command", "write_config"]
