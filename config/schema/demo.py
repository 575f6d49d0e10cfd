"""The conversation that `yht demo` plays."""

from typing import Annotated, Literal

from pydantic import Field

from config.schema.base import Id, Model
from config.schema.prompts import Spoken


class Line(Model):
    """One thing that somebody says."""

    id: Id
    """The line's short name; its clip is demo_<id>."""
    speaker: Literal["citizen", "agent"]
    """Who says it."""
    text: Spoken
    """What is said."""


class Demo(Model):
    """demo.yaml."""

    lines: Annotated[tuple[Line, ...], Field(min_length=1, max_length=100)]
    """The conversation, in order."""
