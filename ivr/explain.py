"""Tells a person what a caller would hear, who would answer and where the case would go, and who says so.

Pure: a city, its directory and a call that might be; out come steps, each with the lines of the city's files
that it rests on.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from config import City
from config.schema.hotline import Hotline
from ivr.directory import Directory, Plan
from ivr.prompts import spoken

DEFAULT = "default"
"""Stands in the place of a file and its line where no file says anything."""

_MERGE_MODES: Final = {
    "full_merge": "merged into 12345 (整体并入)",
    "dual_number": "its number stays public, 12345's agents answer (双号并行)",
    "sub_center": "a centre of its own: the owner's agents answer (设分中心)",
    "one_key_transfer": "12345 answers first and transfers to the owner's own system (一键互转)",
    "interconnect": "linked only: its own centre answers (互联互通)",
    "office_only": "no citizens' calls: the duty phone by its hours (值守)",
    "retired": "no longer in use (已停用)",
}
_BACKENDS: Final = {
    "platform": "12345 dispatches, reviews and follows up",
    "external": "the owner dispatches and follows up in its own system",
    "tenant": "the owner dispatches and follows up in its own space on this platform",
}


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that holds for the call; `places` are "file:line" or `DEFAULT`."""

    topic: str
    says: str
    places: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Explanation:
    """A call that might be, its plan, and what that means step by step."""

    asked: str
    plan: Plan
    name: str
    name_en: str
    steps: tuple[Step, ...]

    def as_json(self) -> dict[str, Any]:
        """Return it as plain data for scripts."""
        plan = self.plan
        return {
            "number": self.asked,
            "outcome": plan.outcome,
            "reason": plan.reason,
            "hotline": plan.hotline,
            "name": self.name,
            "name_en": self.name_en,
            "dialed_number": plan.dialed,
            "caller_number": plan.caller,
            "language": plan.language,
            "greeting": plan.greeting,
            "goodbye": plan.goodbye,
            "comfort": plan.comfort,
            "queue": plan.queue,
            "priority": plan.priority,
            "record": plan.record,
            "notice": plan.notice,
            "forward": str(plan.forward.to) if plan.forward else None,
            "transfers": plan.transfers,
            "case": plan.case.model_dump() if plan.outcome == "queue" else None,
            "steps": [{"topic": step.topic, "says": step.says, "places": step.places} for step in self.steps],
        }


def explain(
    city: City, directory: Directory, number: str, caller_number: str, now: datetime | int
) -> Explanation:
    """Return what a call from `caller_number` to `number` at `now` would be; see `Directory.resolve`."""
    plan = directory.resolve(number, caller_number, now)
    hotline = city.hotline.get(plan.hotline)
    told = _Telling(city, plan)
    told.step("number", plan.sentence, plan.place)
    if hotline is not None:
        told.step("merged", _MERGE_MODES[hotline.merge_mode], told.place(f"hotline.{hotline.id}.merge_mode"))
        _dates(told, hotline)
    if hotline is not None and plan.outcome == "forward":
        _forwarded(told, hotline)
    elif hotline is None or plan.outcome != "queue":
        told.step("hears", told.prompt(plan.greeting), *told.prompt_places(plan.greeting))
        told.step("then", "the call ends; it is counted", DEFAULT)
    else:
        _queued(told, hotline)
    name, name_en = (hotline.name, hotline.name_en) if hotline else ("", "")
    return Explanation(number, plan, name, name_en, tuple(told.steps))


class _Telling:
    """The steps told so far, and where things stand."""

    def __init__(self, city: City, plan: Plan) -> None:
        self.city = city
        self.plan = plan
        self.steps: list[Step] = []

    def step(self, topic: str, says: str, *places: str) -> None:
        self.steps.append(
            Step(topic, says, tuple(dict.fromkeys(place for place in places if place)) or (DEFAULT,))
        )

    def place(self, name: str) -> str:
        return self.city.places.get(name, "")

    def prompt(self, prompt_id: str | None) -> str:
        if prompt_id is None:
            return "nothing"
        return f"{self.city.prompts[prompt_id].text(self.plan.language)} ({prompt_id}, {self.plan.language})"

    def prompt_places(self, prompt_id: str | None) -> tuple[str, ...]:
        return (self.place(f"prompt.{prompt_id}.{self.plan.language}"),) if prompt_id else ()


def _queued(told: _Telling, hotline: Hotline) -> None:
    city, plan, line = told.city, told.plan, f"hotline.{hotline.id}"
    of_line: Callable[[str], str] = lambda field: told.place(f"{line}.{field}")  # noqa: E731
    _hears(told, hotline)
    _waits(told, hotline)
    told.step("recorded", "yes" if plan.record else "no", of_line("record"))
    told.step("goodbye", told.prompt(plan.goodbye), of_line("goodbye"), *told.prompt_places(plan.goodbye))
    for target in plan.transfers:
        forward = city.hotline[target].forward
        told.step(
            "may transfer",
            f"to {target} ({city.hotline[target].name}): {forward}",
            told.place(f"hotline.{target}.forward"),
            of_line("transfers"),
        )
    _case(told, hotline)


def _dates(told: _Telling, hotline: Hotline) -> None:
    """Tell the days on which something changes for a caller."""
    for field, says in (
        ("valid_from", "in force from {} on"),
        ("transition_until", "answered until {}, then it says that it is not"),
        ("retire_at", "gone from {} on"),
    ):
        moment = getattr(hotline, field)
        if moment is not None:
            told.step(
                "dates", says.format(f"{moment:%Y-%m-%d %H:%M}"), told.place(f"hotline.{hotline.id}.{field}")
            )


def _hears(told: _Telling, hotline: Hotline) -> None:
    plan, line = told.plan, f"hotline.{hotline.id}"
    if plan.notice:
        told.step(
            "hears",
            told.prompt(plan.notice),
            told.place(f"{line}.transition_prompt"),
            *told.prompt_places(plan.notice),
        )
    field = "greeting" if plan.greeting == hotline.greeting else "off_hours"
    told.step(
        "hears", told.prompt(plan.greeting), told.place(f"{line}.{field}"), *told.prompt_places(plan.greeting)
    )


def _forwarded(told: _Telling, hotline: Hotline) -> None:
    plan = told.plan
    if plan.forward is None:
        return
    to = plan.forward.to
    _hears(told, hotline)
    told.step(
        "rings",
        f"{to}, for {to.ring_seconds} s",
        plan.place,
        told.place(f"hotline.{hotline.id}.forward"),
        told.place(f"trunk.{to.trunk}.contact"),
    )
    if to.on_fail_queue is None:
        told.step("if nobody", told.prompt(to.on_fail_prompt), *told.prompt_places(to.on_fail_prompt))
    else:
        told.step(
            "if nobody",
            f"the call waits in the queue {to.on_fail_queue}",
            told.place(f"queue.{to.on_fail_queue}"),
        )
        _waits(told, hotline)


def _waits(told: _Telling, hotline: Hotline) -> None:
    city, plan, line = told.city, told.plan, f"hotline.{hotline.id}"
    of_line: Callable[[str], str] = lambda field: told.place(f"{line}.{field}")  # noqa: E731
    queue = city.queue[plan.queue]
    by = "the hotline's own" if hotline.priority is not None else "the queue's"
    ranked = of_line("priority") if hotline.priority is not None else told.place(f"queue.{queue.id}.priority")
    told.step(
        "waits",
        f"in the queue {queue.id} ({queue.name}) with {by} priority {plan.priority}",
        of_line("queue"),
        told.place(f"queue.{queue.id}"),
        ranked,
    )
    position = spoken.text(spoken.position(2)) if plan.language == "zh" else ""
    told.step(
        "announced",
        f"every {city.platform.waiting.announce_seconds} s: "
        + (f"the position, such as {position}, where it is not known: " if position else "")
        + told.prompt(plan.comfort),
        told.place("platform.waiting.announce_seconds"),
        of_line("comfort"),
        *told.prompt_places(plan.comfort),
    )
    _answered(told, queue.id)


def _case(told: _Telling, hotline: Hotline) -> None:
    city, plan, line = told.city, told.plan, f"hotline.{hotline.id}"
    of_line: Callable[[str], str] = lambda field: told.place(f"{line}.{field}")  # noqa: E731
    unit = city.unit[plan.case.unit] if plan.case.unit else None
    leads = f"{unit.id} ({unit.name}) leads" if unit else "the centre chooses who leads"
    owner = city.unit[hotline.owner_unit]
    told.step(
        "case",
        f"{_BACKENDS[plan.case.backend]}; {leads}",
        of_line("case.backend"),
        of_line("case.unit"),
        told.place(f"unit.{unit.id}") if unit else "",
    )
    told.step("owner", f"{owner.id} ({owner.name})", of_line("owner_unit"), told.place(f"unit.{owner.id}"))


def _answered(told: _Telling, queue: str) -> None:
    agents = [agent for agent in told.city.agents if queue in agent.queues]
    if not agents:
        told.step("answers", f"nobody: no agent serves the queue {queue}", "agents.yaml")
        return
    shown = ", ".join(f"{agent.id} {agent.name}" for agent in agents[:20])
    more = f" and {len(agents) - 20} more" if len(agents) > 20 else ""
    told.step(
        "answers",
        f"whoever of {len(agents)} agents has been ready longest: {shown}{more}",
        *(told.place(f"agent.{agent.id}.queues") for agent in agents[:20]),
    )
