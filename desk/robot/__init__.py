"""Robots: citizens and agents that follow a script on a real telephone and speak when the other has finished."""

from desk.robot.actor import play
from desk.robot.clips import load_clips
from desk.robot.place import Command, Place, RobotError, Watcher
from desk.robot.report import Report
from desk.robot.script import Script, load, parse_script

__all__ = [
    "Command",
    "Place",
    "Report",
    "RobotError",
    "Script",
    "Watcher",
    "load",
    "load_clips",
    "parse_script",
    "play",
]
