"""What a SIPp scenario is: its actors, its steps and what is expected of it, as scenario.yaml says them.

docs/sipp.md explains each word with an example. Everything here is frozen and knows no file and no socket;
`cti.app.sipp.load` reads it, `cti.app.sipp.judge` holds an observed run against it.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from config.schema.base import Model, Text, written

Name = Annotated[str, written(r"[a-z][a-z0-9_]{0,39}", "write lower-case letters, digits and _")]
Scalar = str | int | bool
"""A value. A text that begins with `$` is a name that the run fills in (`cti.app.sipp.values`)."""

REHEARSAL = "rehearsal"
"""The line of a scenario that takes whichever rehearsal hotline is free."""


class Words(Model):
    """What a value must be, in words; all that are given must hold."""

    at_least: Scalar | None = None
    at_most: Scalar | None = None
    one_of: tuple[Scalar, ...] | None = None
    matches: str | None = None
    """A regular expression that the whole text must match."""
    unlike: Scalar | None = Field(default=None, alias="not")


Match = Scalar | Words
"""Equal to a scalar, or as the words say."""


class Title(Model):
    """The scenario's name for people."""

    zh: Text
    en: Text


class Actor(Model):
    """One telephone, played by SIPp.

    `does` names its XML: `<scenario>/<does>.xml`, else `common/<does>.xml`. `settings` reach the XML as
    variables (`sipp -set`).
    """

    role: Literal["citizen", "agent", "phone"] = Field(alias="is")
    """A citizen calls. An agent signs in at a free seat whose phone registers and serves. A phone only runs its
    XML with a free seat's number."""
    does: Name
    settings: dict[Name, Scalar] = Field(default_factory=dict)
    dials: str | None = None
    """Citizens: the number; None means the line's own. "{area_code}" is 0750, "{area}" the same without the 0."""
    caller: Annotated[str, Field(max_length=20)] | None = None
    """Citizens: the number called from; None means one that nobody else has."""
    rubbish: Annotated[int, Field(ge=1, le=20_000)] | None = None
    """Citizens: call from this many senseless characters instead of a number."""
    address: (
        Annotated[str, written(r"127(\.[0-9]{1,3}){3}", "write an address of this machine: 127.0.0.9")] | None
    ) = None
    """The address it sends from; None means the trunk's for citizens, the seats' for others."""
    credentials: Literal["right", "wrong"] = "right"
    """Phones and agents: what it registers with."""
    says: str | None = None
    """A prompt's id, put beside the XML as speech.alaw."""


class WaitFor(Model):
    """Go on once a call has so many facts of a kind, or an agent is in a state."""

    call: Name | None = None
    fact: str | None = None
    count: Annotated[int, Field(ge=1, le=100)] = 1
    agent: Name | None = None
    state: str | None = None


class Step(Model):
    """One thing that the runner does; exactly one of these is given."""

    ready: Name | None = None
    not_ready: Name | None = None
    dial: Name | None = None
    run: Name | None = None
    wait_for: WaitFor | None = None
    pause_ms: Annotated[int, Field(ge=1, le=600_000)] | None = None

    @property
    def verb(self) -> str:
        """The word that was given; "" unless it is exactly one."""
        given = [name for name in type(self).model_fields if getattr(self, name) is not None]
        return given[0] if len(given) == 1 else ""


class Seen(Model):
    """A kind of SIP message at one actor: `sent` or `received`, a method ("BYE") or a status ("486")."""

    at: Name
    sent: str | None = None
    received: str | None = None
    to: str | None = None
    """For a status: the method that it answers ("INVITE")."""


class SipExpectation(Seen):
    """So many such messages, the first of them with these headers and soon after another message."""

    count: Match | None = None
    """None: at least one."""
    headers: dict[str, Match] = Field(default_factory=dict)
    after: Seen | None = None
    within_ms: Scalar | None = None


FactMatch = str | dict[str, dict[str, Match]]
"""A kind of fact, or one with what its data must be."""


class CallExpectation(Model):
    """What is stored of one citizen's call."""

    facts: tuple[FactMatch, ...] = ()
    """In this order; others may stand between."""
    counts: dict[str, Match] = Field(default_factory=dict)
    """How often a kind of fact is stored."""
    never: tuple[str, ...] = ()
    """Kinds of facts that must not be stored."""
    row: dict[str, Match] = Field(default_factory=dict)
    """Columns of the call's row in the table `call`: outcome, hotline, queue, wait_ms and so on."""


class AgentExpectation(Model):
    """How an agent ends, before the runner signs the agent out, and the states on the way."""

    state: Match | None = None
    reason: Match | None = None
    passes: tuple[str, ...] = ()
    """Names of states in this order; others may stand between."""


class Order(Model):
    """The first fact of a kind comes to these calls in this order."""

    fact: str
    of: Annotated[tuple[Name, ...], Field(min_length=2)]


class Expectations(Model):
    """What must be so for the scenario to have passed."""

    sip: tuple[SipExpectation, ...] = ()
    calls: dict[Name, CallExpectation] = Field(default_factory=dict)
    agents: dict[Name, AgentExpectation] = Field(default_factory=dict)
    order: tuple[Order, ...] = ()
    sipp: dict[Name, Literal["good", "any"]] = Field(default_factory=dict)
    """Whether an actor's SIPp must have gone as its XML says; "good" for those that are not named."""


class Scenario(Model):
    """scenario.yaml."""

    title: Title
    shows: Annotated[str, Field(min_length=10)]
    lines: tuple[str, ...] = (REHEARSAL,)
    """Whose queues the scenario has for itself: "rehearsal", or numbers of the city; none at all: []."""
    within_seconds: Annotated[int, Field(ge=5, le=600)] = 60
    """From the first step until every citizen's SIPp has ended."""
    actors: Annotated[dict[Name, Actor], Field(min_length=1)]
    steps: Annotated[tuple[Step, ...], Field(min_length=1)]
    expect: Expectations

    def named(self, role: str) -> tuple[str, ...]:
        """Return the names of the actors of a role, in the order in which the file has them."""
        return tuple(name for name, actor in self.actors.items() if actor.role == role)
