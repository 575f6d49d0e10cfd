"""A city's configuration: read, checked whole, explained."""

from config.city import City
from config.load import load
from config.problems import ConfigError, Problem

__all__ = ["City", "ConfigError", "Problem", "load"]
