"""One public service line: what its number means to a caller and where its cases go (numbers.md)."""

from typing import Annotated, Literal

from pydantic import Field

from config.schema.base import Id, Language, LocalTime, Model, Strings, Text

NumberPattern = Annotated[str, Field(min_length=2, max_length=40)]


class CaseRoute(Model):
    """Where the hotline's cases go: who dispatches, reviews and follows them up."""

    backend: Literal["platform", "external", "tenant"] = "platform"
    unit: Id | None = None
    """The unit that leads by default; null lets the centre choose."""


class Hotline(Model):
    """hotlines/<name>.yaml."""

    id: Id
    numbers: Annotated[Strings, Field(min_length=1)]
    """The numbers that citizens dial, as short numbers or full national ones; forms that trunks deliver
    (area code, +86, 0086) are derived."""
    name: Text
    name_en: str = ""
    owner_unit: Id
    level: Literal["national", "province", "city", "ordinary"] = "city"
    merge_mode: Literal["full_merge", "dual_number"] = "full_merge"
    valid_from: LocalTime | None = None
    language: Language = "zh"
    greeting: Id
    goodbye: Id | None = None
    comfort: Id | None = None
    """Said to those who wait, beside their position."""
    queue: Id
    priority: Annotated[int, Field(ge=0, le=99)] | None = None
    record: bool = True
    case: CaseRoute = CaseRoute()
