"""Makes cases of the callback requests that the fallback script took to disk while no engine answered.

A request is a file (deploy/agi/callback_request.py writes it whole). It becomes a case, then its fact, then it
is moved to `done/`; a process that is killed between two of these steps does the rest at its next start, and
nothing twice. A file that is no request is moved to `broken/`, for a person to look at.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import structlog

from caselink.contact import Contact, clean
from caselink.number import lock
from caselink.opening import append_event, case_opened, cases_of, complete, open_cases
from caselink.tables import CaseEventRow
from config import City
from cti import widths
from cti.facts import MAX_TIME, Fact
from cti.sql import Sessions

DONE: Final = "done"
BROKEN: Final = "broken"
_MAX_BYTES: Final = 64 * 1024
_CALL_ID: Final = re.compile(r"[A-Za-z0-9]{1,20}-[0-9]{1,20}\.[0-9]{1,12}")
_NUMBER: Final = re.compile(r"[0-9]{2,20}")
_TEXTS: Final = ("call_id", "caller_number", "number", "dialed_number", "hotline")

_log = structlog.get_logger(__name__)


class RequestError(ValueError):
    """A file holds no callback request; the message says which key and why, and nothing personal."""


@dataclass(frozen=True, slots=True)
class CallbackRequest:
    """One request: where to call back, and the call it came from. `taken_at` in microseconds since the epoch."""

    call_id: str
    caller_number: str
    number: str
    dialed_number: str
    hotline: str
    taken_at: int


def parse(name: str, text: str) -> CallbackRequest:
    """Return the request that a file holds. Raises RequestError.

    `name` is the file's, without its ending. It stands for the call where the id of the call is none: a citizen
    who asked to be called is called, whatever else went wrong.
    """
    try:
        raw = json.loads(text)
    except (ValueError, RecursionError):
        raise RequestError("not JSON") from None
    if not isinstance(raw, dict):
        raise RequestError("not an object")
    values = {key: raw.get(key, "") for key in _TEXTS}
    for key, value in values.items():
        if not isinstance(value, str):
            raise RequestError(f"{key!r} is not a text")
    if not _NUMBER.fullmatch(values["number"]):
        raise RequestError("'number' is no telephone number")
    taken_at = raw.get("taken_at")
    if type(taken_at) is not int or not 0 < taken_at < MAX_TIME:
        raise RequestError("'taken_at' is not in microseconds since the epoch")
    call_id = values["call_id"] if _CALL_ID.fullmatch(values["call_id"]) else clean(name)[: widths.CALL_ID]
    return CallbackRequest(
        call_id=call_id,
        caller_number=clean(values["caller_number"]),
        number=values["number"],
        dialed_number=clean(values["dialed_number"]),
        hotline=clean(values["hotline"]),
        taken_at=taken_at,
    )


async def take_up(
    folder: Path, sessions: Sessions, city: City, append: Callable[[Fact], Awaitable[None]]
) -> int:
    """Make cases of the requests in `folder`, oldest name first; return of how many.

    `append` puts a fact into the stream. Raises the database's, Redis' and the disk's errors; what was not done
    then is done by the next call.
    """
    done = 0
    for file in await asyncio.to_thread(_waiting, folder):
        try:
            request = parse(file.stem, await asyncio.to_thread(_read, file))
        except RequestError as error:
            await asyncio.to_thread(_move, file, BROKEN)
            _log.warning("callback_request_broken", file=file.name, error=str(error))
            continue
        fact = await _record(sessions, city, request)
        await append(fact)
        await asyncio.to_thread(_move, file, DONE)
        _log.info("callback_request_taken_up", call_id=request.call_id, case=fact.data["case"])
        done += 1
    return done


async def _record(sessions: Sessions, city: City, request: CallbackRequest) -> Fact:
    """Open the case of a request, or note the request on the case that its call has."""
    event_id = f"callback:{request.call_id}"
    found = Contact(request.call_id, request.dialed_number, request.caller_number, request.hotline)
    async with sessions.begin() as session:
        await lock(session)
        if request.call_id not in await cases_of(session, [request.call_id]):
            await open_cases(session, city, "callback", [(request.taken_at, found)])
        row = (await cases_of(session, [request.call_id]))[request.call_id]
        complete(row, found, city)
        row.contact_number = request.number
        told = CaseEventRow.__table__.select().where(CaseEventRow.event_id == event_id)
        if (await session.execute(told)).first() is None:
            append_event(session, row, event_id, "request_callback", request.taken_at)
        await session.flush()
        return case_opened(row)


def _waiting(folder: Path) -> list[Path]:
    if not folder.is_dir():
        return []
    return sorted(file for file in folder.glob("*.json") if not file.name.startswith(".") and file.is_file())


def _read(file: Path) -> str:
    with file.open("rb") as reader:
        raw = reader.read(_MAX_BYTES + 1)
    if len(raw) > _MAX_BYTES:
        raise RequestError(f"longer than {_MAX_BYTES} bytes")
    try:
        return raw.decode()
    except UnicodeDecodeError:
        raise RequestError("not UTF-8") from None


def _move(file: Path, into: str) -> None:
    target = file.parent / into
    target.mkdir(mode=0o700, exist_ok=True)
    file.replace(target / file.name)
