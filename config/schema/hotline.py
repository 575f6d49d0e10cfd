"""One public service line: what its number means to a caller and where its cases go (docs/configuration.md)."""

from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Field

from config.numbers import digits
from config.schema.base import Id, Language, LocalTime, Model, Text, as_list


def _a_number(value: str) -> str:
    if len(digits(value).lstrip("+")) < 2:
        raise ValueError(
            f'{value[:40]!r} is no telephone number; write digits in quotes, such as "12319" or "0750-8577100"'
        )
    return value


Number = Annotated[str, Field(min_length=2, max_length=40), AfterValidator(_a_number)]


class CaseRoute(Model):
    """Where the hotline's cases go: who dispatches, reviews and follows them up."""

    backend: Literal["platform", "external", "tenant"] = "platform"
    """Who works on the cases: `platform` (12345), `external` (the owner's system), `tenant` (the owner, here)."""
    unit: Id | None = None
    """The id of the unit in units.yaml that leads by default; null lets the centre choose."""


class Hotline(Model):
    """hotlines/<name>.yaml."""

    id: Id
    """The hotline's short name; it stays on every call and case."""
    numbers: Annotated[tuple[Number, ...], BeforeValidator(as_list), Field(min_length=1, max_length=2000)]
    """The numbers that citizens dial, in quotes, short or with the area code; other forms are derived."""
    name: Text
    """What the hotline is called."""
    name_en: Annotated[str, Field(max_length=100)] = ""
    """Its name in English."""
    owner_unit: Id
    """The id of the unit in units.yaml that the line belongs to."""
    level: Literal["national", "province", "city", "ordinary"] = "city"
    """Who made the line."""
    merge_mode: Literal["full_merge", "dual_number"] = "full_merge"
    """`full_merge`: calls are 12345's; `dual_number`: the number stays public, 12345's agents answer it."""
    valid_from: LocalTime | None = None
    """The day on which the line takes effect, in the city's time: 2026-12-01 or 2026-12-01T08:00."""
    language: Language = "zh"
    """The language the caller hears first."""
    greeting: Id
    """The id of a prompt in prompts.yaml that greets the caller."""
    goodbye: Id | None = None
    """The id of a prompt in prompts.yaml, said when the agent has hung up."""
    comfort: Id | None = None
    """The id of a prompt in prompts.yaml, said to those who wait where no position is known."""
    queue: Id
    """The id of the queue in queues.yaml that callers wait in."""
    priority: Annotated[int, Field(ge=0, le=99)] | None = None
    """Higher is served first; without it the queue's."""
    record: bool = True
    """Whether calls are recorded."""
    case: CaseRoute = CaseRoute()
    """Where the cases go."""

    @property
    def prompts(self) -> tuple[str, ...]:
        """The ids of every prompt that a caller of the hotline can hear."""
        return tuple(filter(None, (self.greeting, self.goodbye, self.comfort)))
