"""The conversation that `yht demo` plays."""

from typing import Annotated, Literal

from pydantic import Field

from config.schema.base import Id, Model
from config.schema.prompts import Spoken


class Line(Model):
    """One thing that somebody says."""

    id: Id
    speaker: Literal["citizen", "agent"]
    text: Spoken


class Demo(Model):
    """demo.yaml."""

    lines: Annotated[tuple[Line, ...], Field(min_length=1, max_length=100)]
