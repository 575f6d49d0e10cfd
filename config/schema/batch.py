"""Numbers that join 12345 together, on one day."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from config.schema.base import Id, LocalTime, Model, Text
from config.schema.hotline import Number


class Batch(Model):
    """batches/<name>.yaml."""

    id: Id
    """The batch's short name."""
    name: Text
    """What it is called."""
    date: LocalTime
    """When its numbers take effect, each in the time zone of its hotline."""
    numbers: Annotated[tuple[Number, ...], Field(min_length=1, max_length=2000)]
    """Numbers of hotlines, in any form."""
    applied: bool = False
    """Whether it takes effect on its day; `yht batch apply` and `rollback` write it."""
