"""The status as a person reads it. Pure."""

from __future__ import annotations

from cti.app.status.model import ProcessStatus, Status

HEADINGS = ("process", "state", "pid", "for", "restarts", "memory", "CPU", "note")


def rows(status: Status) -> list[tuple[str, ...]]:
    """One row a process, under HEADINGS."""
    several = len({process.node for process in status.processes}) > 1
    return [_row(process, status.now, several) for process in status.processes]


def _row(process: ProcessStatus, now: int, several: bool) -> tuple[str, ...]:
    usage = process.usage
    return (
        f"{process.name}@{process.node}" if several else process.name,
        process.state,
        str(process.pid or ""),
        span((now - process.since) // 1000) if process.since else "",
        str(process.restarts or ""),
        size(usage.memory) if usage else "",
        f"{usage.cpu:.0f} %" if usage else "",
        process.health.get("trouble", "") or (process.last_exit and f"ended before with {process.last_exit}"),
    )


def lines(status: Status) -> list[str]:
    """Everything but the processes, one line a matter."""
    if not status.running:
        return [f"Nothing runs in {status.home}. Start it: yht up"]
    found = ["links     " + ", ".join(f"{name} {said}" for name, said in status.links.items())]
    for queue in status.queues:
        waits = f", longest {span(queue.longest_wait_ms)}" if queue.waiting + queue.offered else ""
        found.append(
            f"queue     {queue.id} {queue.name}: {queue.waiting} waiting{waits}, {queue.offered} being offered,"
            f" {queue.ready} ready, {queue.talking} talking"
        )
    people = ", ".join(f"{count} {state}" for state, count in status.agents.items())
    found.append(f"agents    {people or 'none'}")
    lag, pending = status.figure("journal_lag_bytes"), status.figure("facts_pending")
    if lag is not None or pending is not None:
        found.append(f"ledger    {size(lag or 0)} of the journal unread, {pending or 0} facts not stored yet")
    if engine := status.said("speech_engine"):
        why = status.said("speech_why")
        found.append(f"speech    {engine} with {status.said('speech_model')}" + (f" - {why}" if why else ""))
    refused = ", ".join(f"{kind} {count}" for kind, count in status.refused.items())
    found.append(f"refused   {refused or 'nothing'}")
    found += [f"trouble   {trouble}" for trouble in status.troubles]
    return found


def span(ms: int) -> str:
    """Say a length of time in its two largest units: "3 min 20 s"."""
    seconds = max(ms, 0) // 1000
    days, hours, minutes = seconds // 86_400, seconds // 3600 % 24, seconds // 60 % 60
    if days:
        return f"{days} d {hours} h"
    if hours:
        return f"{hours} h {minutes} min"
    if minutes:
        return f"{minutes} min {seconds % 60} s"
    return f"{seconds} s"


def size(count: int) -> str:
    """Say a number of bytes."""
    for unit, power in (("GB", 30), ("MB", 20), ("kB", 10)):
        if count >= 1 << power:
            return (
                f"{count / (1 << power):.0f} {unit}"
                if count >= 10 << power
                else f"{count / (1 << power):.1f} {unit}"
            )
    return f"{count} B"
