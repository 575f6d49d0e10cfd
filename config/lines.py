"""What must hold inside a hotline, and between it and the rest of the city: modes, dates, hours, destinations."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from config.schema.hotline import PROMPTS, Destination, Hotline
from config.sentences import did_you_mean, one_of
from config.source import Document, Inside

NEEDS: Mapping[str, tuple[str, ...]] = {
    "full_merge": ("queue",),
    "dual_number": ("queue",),
    "sub_center": (),
    "one_key_transfer": ("queue", "forward"),
    "interconnect": ("forward",),
    "office_only": ("duty",),
    "retired": (),
}
"""The fields that a mode can not do without."""

_WHY: Mapping[str, str] = {
    "queue": "who answers: a queue of queues.yaml",
    "forward": "the owner's own telephones: trunk and number, or a SIP address",
    "duty": "the duty phones",
}


@dataclass(frozen=True)
class Known:
    """What a hotline may refer to; None where the file could not be read, and nothing is said about it."""

    queues: Sequence[str] | None
    units: Sequence[str] | None
    prompts: Sequence[str] | None
    trunks: Mapping[str, bool] | None
    """By id, whether it carries calls out."""


def check_line(document: Document, line: Hotline, known: Known, lines: Mapping[str, Hotline]) -> None:
    """Note everything that is wrong with one hotline. `lines` are all of the city's, by id."""
    _modes(document, line)
    _dates(document, line)
    _hours(document, line)
    _references(document, line, known)
    for inside, destination in _destinations(line):
        _destination(document, inside, destination, known)
    _transfers(document, line, lines)
    if line.case.backend == "tenant" and line.case.unit is None:
        document.problem(
            ("case",), "the owner works on its own cases here but no unit is named", "add unit: to case"
        )


def refer(
    document: Document, inside: Inside, name: str | None, known: Sequence[str] | None, what: str, file: str
) -> None:
    """Note that `name` is none of `known`, if it is given and they are known."""
    if name and known is not None and name not in known:
        listed = f"{file} has {one_of(known)}" if known else f"{file} has none yet: add it there"
        document.problem(inside, f'there is no {what} "{name}"', did_you_mean(name, known) + listed)


def _modes(document: Document, line: Hotline) -> None:
    mode = line.merge_mode
    for field in NEEDS[mode]:
        if not getattr(line, field):
            document.problem((), f'"{field}" is missing', f"{mode} needs {field}: {_WHY[field]}")
    if mode == "sub_center" and not line.queue and line.forward is None:
        document.problem(
            (),
            "nobody answers",
            "sub_center needs a queue of the owner's agents, or forward to its telephones",
        )
    if line.queue and line.greeting is None:
        document.problem((), '"greeting" is missing', "add greeting: a prompt said before the caller waits")
    if line.queue and mode in ("office_only", "retired"):
        document.problem(("queue",), f"a line that is {mode} is not answered", "take the queue out")
    for field in ("transition_until", "transition_prompt"):
        if getattr(line, field) is not None and mode != "full_merge":
            document.problem((field,), f"{mode} has no transition", "take it out; only full_merge has one")
    if line.transition_prompt and line.transition_until is None:
        document.problem(
            ("transition_prompt",), "the transition has no end", "add transition_until: the day it is over"
        )
    if mode == "retired" and line.retire_at is not None:
        document.problem(
            ("retire_at",), "the line is retired already", "take it out, or name the mode until then"
        )
    _gone(document, line)


def _gone(document: Document, line: Hotline) -> None:
    """A number that is no longer answered must still say or do something."""
    retires = line.merge_mode == "retired" or line.retire_at is not None
    where: Inside = ("after_retire",) if ("after_retire",) in document.lines else ("merge_mode",)
    says = retires and line.after_retire == "prompt_hangup"
    if (says or line.transition_until is not None) and line.retired_prompt is None:
        document.problem(
            (), '"retired_prompt" is missing', "add retired_prompt: what the number says then, naming 12345"
        )
    if retires and line.after_retire == "forward" and line.forward is None:
        document.problem(where, "there is nowhere to forward to", "add forward: trunk and number, or sip")
    if retires and line.after_retire == "office" and not line.duty:
        document.problem(where, "there is no duty phone", "add duty: the phones and their hours")
    if not retires and ("after_retire",) in document.lines:
        document.problem(("after_retire",), "the line never retires", "add retire_at, or take it out")


def _dates(document: Document, line: Hotline) -> None:
    dates = [(name, getattr(line, name)) for name in ("valid_from", "transition_until", "retire_at")]
    given = [(name, moment) for name, moment in dates if moment is not None]
    for (earlier, first), (later, second) in itertools.pairwise(given):
        if not first < second:
            document.problem(
                (later,),
                f"{second:%Y-%m-%d %H:%M} is not after {earlier} {first:%Y-%m-%d %H:%M}",
                "valid_from comes first, then transition_until, then retire_at",
            )
    for number, closure in enumerate(line.closures):
        if not closure.start < closure.end:
            document.problem(
                ("closures", number), "is over before it begins", "write until: a moment after from:"
            )


def _hours(document: Document, line: Hotline) -> None:
    for field in ("hours", "duty"):
        for number, span in enumerate(getattr(line, field)):
            if span.start == span.end:
                document.problem(
                    (field, number),
                    f"begins and ends at {span.start}",
                    "write a later end, or 00:00 to 24:00 for the whole day",
                )
    off = line.off_hours
    closes = bool(line.hours) or any(closure.prompt is None for closure in line.closures)
    if closes and off is None:
        document.problem(
            (), '"off_hours" is missing', "add off_hours: what becomes of calls while it is closed"
        )
    if off is None:
        return
    if not line.hours and not line.closures:
        document.problem(("off_hours",), "the line is never closed", "add hours, or take it out")
    if off.then == "queue" and off.queue is None:
        document.problem(("off_hours",), '"queue" is missing', "add queue: who answers then")
    if off.then == "prompt" and off.prompt is None:
        document.problem(("off_hours",), '"prompt" is missing', "add prompt: what is said then")
    if off.then == "duty" and not line.duty:
        document.problem(("off_hours",), "there is no duty phone", "add duty: the phones and their hours")
    if off.then != "queue" and off.queue is not None:
        document.problem(("off_hours", "queue"), "is not used", "write then: queue, or take it out")


def _needs_gap_prompt(line: Hotline) -> bool:
    rings = (
        line.merge_mode == "office_only"
        or line.after_retire == "office"
        or (line.off_hours is not None and line.off_hours.then == "duty")
    )
    return bool(line.duty) and rings and not any(duty.is_always for duty in line.duty)


def _references(document: Document, line: Hotline, known: Known) -> None:
    refer(document, ("queue",), line.queue, known.queues, "queue", "queues.yaml")
    refer(document, ("owner_unit",), line.owner_unit, known.units, "unit", "units.yaml")
    refer(document, ("case", "unit"), line.case.unit, known.units, "unit", "units.yaml")
    for name in PROMPTS:
        refer(document, (name,), getattr(line, name), known.prompts, "prompt", "prompts.yaml")
    if line.off_hours is not None:
        refer(document, ("off_hours", "queue"), line.off_hours.queue, known.queues, "queue", "queues.yaml")
        refer(
            document, ("off_hours", "prompt"), line.off_hours.prompt, known.prompts, "prompt", "prompts.yaml"
        )
    for number, closure in enumerate(line.closures):
        inside: Inside = ("closures", number, "prompt")
        refer(document, inside, closure.prompt, known.prompts, "prompt", "prompts.yaml")
    said = line.retired_prompt or (line.off_hours.prompt if line.off_hours else None)
    if _needs_gap_prompt(line) and said is None:
        document.problem(
            ("duty",),
            "there are hours in which no duty phone is named",
            "let the last one have no days, from and to, or add retired_prompt: what is said then",
        )


def _destinations(line: Hotline) -> Iterator[tuple[Inside, Destination]]:
    if line.forward is not None:
        yield ("forward",), line.forward
    if line.before is not None:
        yield ("before",), line.before
    for number, duty in enumerate(line.duty):
        yield ("duty", number), duty


def _destination(document: Document, inside: Inside, to: Destination, known: Known) -> None:
    if to.sip is None and (to.trunk is None or to.number is None):
        document.problem(inside, "names no telephone", "write trunk: and number:, or sip:")
    if to.sip is not None and (to.trunk is not None or to.number is not None):
        document.problem(inside, "names two telephones", "write either trunk: and number:, or sip:")
    if to.on_fail_queue is None and to.on_fail_prompt is None:
        document.problem(
            inside, "says nothing to who reaches nobody", "add on_fail_queue: or on_fail_prompt:"
        )
    if to.on_fail_queue is not None and to.on_fail_prompt is not None:
        document.problem(inside, "has two ways out", "keep one of on_fail_queue: and on_fail_prompt:")
    refer(document, (*inside, "on_fail_queue"), to.on_fail_queue, known.queues, "queue", "queues.yaml")
    refer(document, (*inside, "on_fail_prompt"), to.on_fail_prompt, known.prompts, "prompt", "prompts.yaml")
    if known.trunks is not None and to.trunk is not None:
        refer(document, (*inside, "trunk"), to.trunk, list(known.trunks), "trunk", "trunks.yaml")
        if not known.trunks.get(to.trunk, True):
            document.problem(
                (*inside, "trunk"),
                f'the trunk "{to.trunk}" carries no calls out',
                "give it a contact in trunks.yaml, such as sip:10.1.0.1:5060",
            )


def _transfers(document: Document, line: Hotline, lines: Mapping[str, Hotline]) -> None:
    for number, target in enumerate(line.transfers):
        inside: Inside = ("transfers", number)
        if target not in lines:
            refer(document, inside, target, list(lines), "hotline", "hotlines/")
        elif target == line.id:
            document.problem(inside, "is the line itself", "name another; its own forward is offered anyway")
        elif lines[target].forward is None:
            document.problem(
                inside, f'the hotline "{target}" has no telephones of its own', "give it a forward first"
            )
