"""What only shows when a city's files are looked at together: references, duplicates, overlaps."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from config.departments import check_cases, check_units
from config.lines import Known, check_line, refer
from config.numbers import national
from config.schema.batch import Batch
from config.schema.cases import Cases
from config.schema.demo import Demo
from config.schema.hotline import Hotline
from config.schema.people import Agents, Queues, Trunks, Units
from config.schema.platform import Platform
from config.schema.prompts import Prompts
from config.source import Document, Inside

SYSTEM_PROMPTS: Mapping[str, str] = {
    "unknown_number": "said to who dials a number that no hotline has",
    "callback_taken": "said when a callback was noted while no agent could be reached",
}
"""Prompts that every city needs, whatever its hotlines name."""

Place = tuple[Document, Inside]


@dataclass
class Parts:
    """The files that could be read, each beside its document; a part is None where its file is wrong."""

    documents: dict[str, Document]
    platform: Platform | None = None
    queues: Queues | None = None
    agents: Agents | None = None
    trunks: Trunks | None = None
    units: Units | None = None
    prompts: Prompts | None = None
    demo: Demo | None = None
    cases: Cases | None = None
    hotlines: list[tuple[Document, Hotline]] = field(default_factory=list)
    batches: list[tuple[Document, Batch]] = field(default_factory=list)


def check(parts: Parts) -> None:
    """Note everything that is wrong between the parts in the documents where it would be mended.

    What refers to a file that could not be read is left out: its problems would only hide the cause.
    """
    if parts.platform:
        _ports(parts.documents["platform.yaml"], parts.platform)
        _voice(parts.documents["platform.yaml"], parts.platform)
    if parts.queues:
        document = parts.documents["queues.yaml"]
        _unique((((document, ("queues", n)), q.id) for n, q in enumerate(parts.queues.queues)), "the queue")
    if parts.units:
        document = parts.documents["units.yaml"]
        _unique((((document, ("units", n)), u.id) for n, u in enumerate(parts.units.units)), "the unit")
        check_units(document, parts.units.units)
    if parts.cases:
        units = [unit.id for unit in parts.units.units] if parts.units else None
        hotlines = [hotline.id for _, hotline in parts.hotlines]
        check_cases(parts.documents["cases.yaml"], parts.cases, units, hotlines)
    if parts.trunks:
        _trunks(parts.documents["trunks.yaml"], parts.trunks)
    if parts.agents:
        _agents(parts.documents["agents.yaml"], parts.agents, parts.queues)
    if parts.demo:
        document = parts.documents["demo.yaml"]
        _unique((((document, ("lines", n)), line.id) for n, line in enumerate(parts.demo.lines)), "the line")
    if parts.prompts:
        document = parts.documents["prompts.yaml"]
        for name, purpose in SYSTEM_PROMPTS.items():
            if name not in parts.prompts.prompts:
                document.problem(("prompts",), f'the prompt "{name}" is missing', f"add it: it is {purpose}")
    _hotlines(parts)
    _batches(parts)


def _unique(entries: Iterable[tuple[Place, str]], what: str) -> None:
    """Note each name that stands a second time; both places are told."""
    first: dict[str, Place] = {}
    for (document, inside), name in entries:
        if name in first:
            there, where = first[name]
            document.problem(
                inside,
                f'{what} "{name}" is already in {there.file}:{there.line(where)}',
                "give one of the two another name or take it out",
            )
        else:
            first[name] = (document, inside)


def _voice(document: Document, platform: Platform) -> None:
    voice = platform.voice
    if voice.engine == "command" and not any("{file}" in argument for argument in voice.command):
        document.problem(
            ("voice", "command"),
            "the engine command is told of no program that writes {file}",
            "write the program and its arguments, such as [speak, --to, '{file}']",
        )


def _ports(document: Document, platform: Platform) -> None:
    sip = platform.sip
    taken: dict[int, Inside] = {}
    single: list[tuple[Inside, int]] = [
        (("sip", "port"), sip.port),
        (("ami", "port"), platform.ami.port),
        (("agi", "port"), platform.agi.port),
        (("http", "port"), platform.http.port),
    ]
    # The one that is written in the file is where a default's clash is mended.
    for inside, port in sorted(single, key=lambda entry: entry[0] not in document.lines, reverse=True):
        if port in taken:
            other = taken[port]
            stands = f"line {document.line(other)}" if other in document.lines else "its default"
            document.problem(
                inside,
                f"port {port} is already {'.'.join(map(str, other))} ({stands})",
                "give each a port of its own",
            )
        taken[port] = inside
    if sip.rtp_end - sip.rtp_start < 3:
        document.problem(
            ("sip", "rtp_end"),
            f"the ports for speech end at {sip.rtp_end} and begin at {sip.rtp_start}",
            "leave room for four ports a call, such as 20000 to 20999",
        )
    elif sip.rtp_start <= sip.port <= sip.rtp_end:
        document.problem(
            ("sip", "port"),
            f"port {sip.port} lies among those for speech, {sip.rtp_start} to {sip.rtp_end}",
            "choose a port outside of them",
        )


def _trunks(document: Document, trunks: Trunks) -> None:
    _unique((((document, ("trunks", n)), trunk.id) for n, trunk in enumerate(trunks.trunks)), "the trunk")
    seen: list[tuple[ipaddress.IPv4Network | ipaddress.IPv6Network | str, str, Inside]] = []
    for number, trunk in enumerate(trunks.trunks):
        for position, source in enumerate(trunk.match):
            inside: Inside = ("trunks", number, "match", position)
            network = _network(document, inside, source)
            if network is None:
                continue
            for other, name, where in seen:
                if _overlap(network, other):
                    document.problem(
                        inside,
                        f'"{source}" is already of the trunk "{name}" (line {document.line(where)})',
                        "an address belongs to one trunk: take it out of the other",
                    )
                    break
            seen.append((network, trunk.id, inside))


def _network(
    document: Document, inside: Inside, source: str
) -> ipaddress.IPv4Network | ipaddress.IPv6Network | str | None:
    try:
        return ipaddress.ip_network(source, strict=False)
    except ValueError:
        if "/" in source or ":" in source or source.replace(".", "").isdigit():
            document.problem(
                inside, f'"{source}" is no address', "write one such as 127.0.0.2 or 10.1.0.0/28"
            )
            return None
        return source.lower()


def _overlap(
    one: ipaddress.IPv4Network | ipaddress.IPv6Network | str,
    other: ipaddress.IPv4Network | ipaddress.IPv6Network | str,
) -> bool:
    if isinstance(one, ipaddress.IPv4Network) and isinstance(other, ipaddress.IPv4Network):
        return one.overlaps(other)
    if isinstance(one, ipaddress.IPv6Network) and isinstance(other, ipaddress.IPv6Network):
        return one.overlaps(other)
    return one == other


def _agents(document: Document, agents: Agents, queues: Queues | None) -> None:
    _unique((((document, ("agents", n)), agent.id) for n, agent in enumerate(agents.agents)), "the agent")
    _unique((((document, ("seats", n)), seat.ext) for n, seat in enumerate(agents.seats)), "the seat")
    known = [queue.id for queue in queues.queues] if queues else []
    for number, agent in enumerate(agents.agents):
        _unique(
            (((document, ("agents", number, "queues", n)), queue) for n, queue in enumerate(agent.queues)),
            "the queue",
        )
        if queues:
            for position, queue in enumerate(agent.queues):
                inside: Inside = ("agents", number, "queues", position)
                refer(document, inside, queue, known, "queue", "queues.yaml")


def _hotlines(parts: Parts) -> None:
    _unique((((document, ("id",)), hotline.id) for document, hotline in parts.hotlines), "the hotline")
    known = Known(
        queues=[queue.id for queue in parts.queues.queues] if parts.queues else None,
        units=[unit.id for unit in parts.units.units] if parts.units else None,
        prompts=list(parts.prompts.prompts) if parts.prompts else None,
        trunks={trunk.id: trunk.contact is not None for trunk in parts.trunks.trunks}
        if parts.trunks
        else None,
    )
    lines = {hotline.id: hotline for _, hotline in parts.hotlines}
    for document, hotline in parts.hotlines:
        check_line(document, hotline, known, lines)
    if parts.platform:
        _numbers(parts.hotlines, parts.platform.area_code)


def _batches(parts: Parts) -> None:
    _unique((((document, ("id",)), batch.id) for document, batch in parts.batches), "the batch")
    if parts.platform is None or len(parts.hotlines) != sum(
        name.startswith("hotlines/") for name in parts.documents
    ):
        return  # a hotline that could not be read would only be missed here
    area_code = parts.platform.area_code
    known = {national(number, area_code) for _, hotline in parts.hotlines for number in hotline.numbers}
    first: dict[str, tuple[Document, Inside, str]] = {}
    for document, batch in parts.batches:
        for position, number in enumerate(batch.numbers):
            inside: Inside = ("numbers", position)
            form = national(number, area_code)
            if form not in known:
                document.problem(
                    inside, f'"{number}" is no hotline\'s number', "add its hotline to hotlines/ first"
                )
            elif form in first:
                there, where, name = first[form]
                document.problem(
                    inside,
                    f'the number "{number}" is already in the batch "{name}" ({there.file}:{there.line(where)})',
                    "a number joins once: take it out of one of the two",
                )
            else:
                first[form] = (document, inside, batch.id)


def _numbers(hotlines: Sequence[tuple[Document, Hotline]], area_code: str) -> None:
    first: dict[str, tuple[Document, Inside, str, str]] = {}
    for document, hotline in hotlines:
        for position, number in enumerate(hotline.numbers):
            inside: Inside = (
                ("numbers", position) if ("numbers", position) in document.lines else ("numbers",)
            )
            form = national(number, area_code)
            if not form:
                document.problem(
                    inside, f'"{number}" is not a number of China', "write it without a country code"
                )
            elif form in first:
                there, where, spelling, name = first[form]
                same = "is" if spelling == number else f'is the same as "{spelling}", which is'
                document.problem(
                    inside,
                    f'the number "{number}" {same} already of the hotline "{name}" '
                    f"({there.file}:{there.line(where)})",
                    "a number belongs to one hotline: take it out of the other",
                )
            else:
                first[form] = (document, inside, number, hotline.id)
