"""Which line of which file says what: the places of a city that `yht line explain` names."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from config.crosscheck import Parts
from config.source import Document, Inside


def places(parts: Parts) -> dict[str, str]:
    """Return "hotline.12319.greeting" → "hotlines/12319.yaml:8", and so on for everything in the files.

    Things of a kind go by their id: hotline, batch, queue, agent, seat, trunk, unit, prompt, demo; the rest by
    its path: "platform.sip.port". What a file does not say, because a default holds, has no place.
    """
    found: dict[str, str] = {}
    for document, hotline in parts.hotlines:
        found.update(_named(document, {(): f"hotline.{hotline.id}"}))
    for document, batch in parts.batches:
        found.update(_named(document, {(): f"batch.{batch.id}"}))
    documents = parts.documents
    found.update(_named(documents["platform.yaml"], {(): "platform"}))
    if parts.cases:
        found.update(_named(documents["cases.yaml"], {(): "cases"}))
    if parts.queues:
        names = _numbered("queues", "queue", (queue.id for queue in parts.queues.queues))
        found.update(_named(documents["queues.yaml"], names))
    if parts.agents:
        names = _numbered("agents", "agent", (agent.id for agent in parts.agents.agents))
        names |= _numbered("seats", "seat", (seat.ext for seat in parts.agents.seats))
        found.update(_named(documents["agents.yaml"], names))
    if parts.trunks:
        names = _numbered("trunks", "trunk", (trunk.id for trunk in parts.trunks.trunks))
        found.update(_named(documents["trunks.yaml"], names))
    if parts.units:
        names = _numbered("units", "unit", (unit.id for unit in parts.units.units))
        found.update(_named(documents["units.yaml"], names))
    if parts.prompts:
        prompts: dict[Inside, str] = {("prompts", name): f"prompt.{name}" for name in parts.prompts.prompts}
        found.update(_named(documents["prompts.yaml"], prompts))
    if parts.demo:
        names = _numbered("lines", "demo", (line.id for line in parts.demo.lines))
        found.update(_named(documents["demo.yaml"], names))
    return found


def _numbered(field: str, kind: str, ids: Iterable[str]) -> dict[Inside, str]:
    return {(field, number): f"{kind}.{name}" for number, name in enumerate(ids)}


def _named(document: Document, roots: Mapping[Inside, str]) -> Iterator[tuple[str, str]]:
    """Yield the place of each entry whose root has a name, and of each of its fields."""
    depth = len(next(iter(roots), ()))
    for inside, line in document.lines.items():
        name = roots.get(inside[:depth])
        if name is not None:
            yield ".".join([name, *map(str, inside[depth:])]), f"{document.file}:{line}"
