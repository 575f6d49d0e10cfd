"""Who is told and who is on duty at a department."""

from __future__ import annotations

from typing import Annotated, Literal

from config.schema.base import Model, Text, written
from config.schema.hours import Span

Phone = Annotated[
    str,
    written(r"\+?[0-9][0-9\-]{1,30}", 'write the number in quotes, such as "0750-8577100" or "13800000001"'),
]

ContactRole = Literal["person_in_charge", "leader_in_charge", "first_leader"]
"""经办负责人, 分管领导, 主要领导."""


class Person(Model):
    """Somebody of a unit who is told of its cases."""

    role: ContactRole
    """`person_in_charge` of every case, `leader_in_charge` of a first repeat, `first_leader` of what is critical."""
    name: Text
    """What the person is called."""
    phone: Phone
    """The telephone, in quotes; short messages go there too."""


class Turn(Span):
    """A turn of the duty roster (值班): who can be reached in these hours."""

    name: Text
    """Who is on duty."""
    phone: Phone
    """The duty phone, in quotes."""
