"""One public service line: what its number means to a caller and where its cases go (docs/configuration.md)."""

from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Field

from config.numbers import digits
from config.schema.base import Id, Language, LocalTime, Model, Text, TimeZone, as_list, written
from config.schema.hours import Closure, OffHours, Span


def _a_number(value: str) -> str:
    if len(digits(value).lstrip("+")) < 2:
        raise ValueError(
            f'{value[:40]!r} is no telephone number; write digits in quotes, such as "12319" or "0750-8577100"'
        )
    return value


Number = Annotated[str, Field(min_length=2, max_length=40), AfterValidator(_a_number)]


PROMPTS = ("greeting", "goodbye", "comfort", "transition_prompt", "retired_prompt")
"""The fields of a hotline that name a prompt."""


class CaseRoute(Model):
    """Where the hotline's cases go: who dispatches, reviews and follows them up."""

    backend: Literal["platform", "external", "tenant"] = "platform"
    """Who works on the cases: `platform` (12345), `external` (the owner's system), `tenant` (the owner, here)."""
    unit: Id | None = None
    """The id of the unit in units.yaml that leads by default; null lets the centre choose."""


Dialable = Annotated[str, written(r"[0-9*#+]{2,32}", 'write the digits in quotes, such as "12366"')]
SipAddress = Annotated[
    str,
    written(
        r"sip:[A-Za-z0-9._+*#\-]{1,64}@[0-9A-Za-z.\-]{1,253}(:[0-9]{1,5})?", "write it as sip:duty@10.0.0.5"
    ),
]

MergeMode = Literal[
    "full_merge",
    "dual_number",
    "sub_center",
    "one_key_transfer",
    "interconnect",
    "office_only",
    "retired",
]


class Destination(Model):
    """A telephone outside: a number over a trunk, or a fixed SIP address; and what becomes of who reaches nobody."""

    trunk: Id | None = None
    """The trunk of trunks.yaml that carries the call; it needs a `contact`."""
    number: Dialable | None = None
    """With `trunk`: the number that is dialed there, in quotes."""
    sip: SipAddress | None = None
    """A SIP address instead of trunk and number."""
    ring_seconds: Annotated[int, Field(ge=5, le=120)] = 30
    """How long it rings."""
    on_fail_queue: Id | None = None
    """The queue of who reaches nobody."""
    on_fail_prompt: Id | None = None
    """Or what is said, after which the call ends."""

    def __str__(self) -> str:
        return self.sip or f"{self.number} over the trunk {self.trunk}"


class Duty(Span, Destination):
    """A duty phone and the hours in which it is the one."""


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
    merge_mode: MergeMode = "full_merge"
    """How the number joins 12345; docs/configuration.md tells each."""
    valid_from: LocalTime | None = None
    """The day on which the line takes effect, in its time zone: 2026-12-01 or 2026-12-01T08:00."""
    before: Destination | None = None
    """What rings until the number is in force, and again once its batch is rolled back."""
    transition_until: LocalTime | None = None
    """With `full_merge`: from then on the number is no longer answered and plays `retired_prompt`."""
    transition_prompt: Id | None = None
    """Said before the greeting until `transition_until`, such as that the number will go and which to dial."""
    retire_at: LocalTime | None = None
    """From then on the number is gone, and `after_retire` holds."""
    after_retire: Literal["prompt_hangup", "forward", "office"] = "prompt_hangup"
    """What a number that is gone does: `retired_prompt`, the telephone of `forward`, or the duty phone."""
    retired_prompt: Id | None = None
    """What a number says that is no longer answered, naming 12345."""
    timezone: TimeZone | None = None
    """What the line's days and hours mean, if not the city's time."""
    hours: tuple[Span, ...] = ()
    """When the line is answered; without it around the clock."""
    closures: tuple[Closure, ...] = ()
    """Times of its own in which it is closed."""
    off_hours: OffHours | None = None
    """What becomes of calls while it is closed."""
    duty: tuple[Duty, ...] = ()
    """Duty phones; the first whose hours it is rings."""
    forward: Destination | None = None
    """The owner's own telephone system."""
    transfers: tuple[Id, ...] = ()
    """Hotlines with a `forward` that agents may transfer this line's calls to."""
    language: Language = "zh"
    """The language the caller hears first."""
    greeting: Id | None = None
    """The id of a prompt in prompts.yaml that greets the caller; needed with a queue."""
    goodbye: Id | None = None
    """The id of a prompt in prompts.yaml, said when the agent has hung up."""
    comfort: Id | None = None
    """The id of a prompt in prompts.yaml, said to those who wait where no position is known."""
    queue: Id = ""
    """The id of the queue in queues.yaml that callers wait in; "" where the line has none."""
    priority: Annotated[int, Field(ge=0, le=99)] | None = None
    """Higher is served first; without it the queue's."""
    record: bool = True
    """Whether calls are recorded."""
    retention_days: Annotated[int, Field(ge=1, le=36_500)] | None = None
    """After how many days a recording is deleted; without it recordings are kept."""
    case: CaseRoute = CaseRoute()
    """Where the cases go."""
    rehearsal: bool = False
    """A line for scenarios and drills that no citizen knows: left out where the city's lines are shown."""

    @property
    def prompts(self) -> tuple[str, ...]:
        """The ids of every prompt that a caller of the hotline can hear."""
        named = [getattr(self, name) for name in PROMPTS]
        named += [one.on_fail_prompt for one in (self.forward, self.before, *self.duty) if one]
        named += [one.prompt for one in (self.off_hours, *self.closures) if one]
        return tuple(filter(None, named))
