"""Logs: JSON lines in `home/log/<process>.log`, short lines on stderr in the foreground, nothing personal in either.

Whoever logs takes care not to name citizens; the masking here is the net below, for the value that slipped.
"""

from __future__ import annotations

import logging
import os
import re
import sys
from collections.abc import Mapping, Sequence
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import Any, Final

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

MAX_LOG_BYTES: Final = 8 * 1024 * 1024
KEPT_LOGS: Final = 4
"""Older files beside the current one, so a process never keeps more than 40 MB of logs."""
MAX_TEXT: Final = 2000
"""Longest text value that is written; a stranger may send a name of 10,000 letters."""
MAX_TRACE: Final = 20_000

_PERSONAL_KEYS: Final = frozenset(
    {"caller", "caller_number", "caller_name", "caller_id", "callerid", "phone", "from_number"}
)
_NUMBER: Final = re.compile(
    r"(?<![A-Za-z0-9._/\-])"  # not inside a call id, a channel's name, a path or a hash
    r"(?:\+?86[- ]?)?"
    r"(?:1[3-9]\d[- ]?\d{4}[- ]?\d{4}|0\d{2,3}[- ]?\d{7,8}|\d{7,15})"
    r"(?![A-Za-z0-9]|\.\d)"
)
_NOISY: Final = (
    "asyncio",
    "aiosqlite",
    "multipart",
    "uvicorn.access",
    "panoramisk",
    "alembic.runtime.plugins",
    "twisted",
)


def set_up(process: str, folder: Path, *, node: str = "", foreground: bool, least: str = "info") -> Path:
    """Send every log line of this process to its file, and to stderr too in the foreground; return the file.

    `least` is the least level that a person in the foreground is shown.

    Lines of libraries that use Python's own logging go the same way. `YHT_LOG_LEVEL` (debug, info, warning)
    names the least level. Raises OSError when the file can not be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{process}.log"
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.ExtraAdder(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.StackInfoRenderer(),
    ]
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        wrapper_class=structlog.stdlib.BoundLogger,
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    constants = {"process": process, "pid": os.getpid()} | ({"node": node} if node else {})
    to_file = RotatingFileHandler(
        path, maxBytes=MAX_LOG_BYTES, backupCount=KEPT_LOGS, encoding="utf-8", errors="backslashreplace"
    )
    to_file.setFormatter(
        _formatter(shared, _binder(constants), structlog.processors.JSONRenderer(ensure_ascii=False))
    )
    handlers: list[logging.Handler] = [to_file]
    if foreground:
        to_person = logging.StreamHandler(sys.stderr)
        to_person.setLevel(least.upper())
        to_person.setFormatter(_formatter(shared, short_line))
        handlers.append(to_person)
    root = logging.getLogger()
    for old in root.handlers[:]:
        root.removeHandler(old)
        old.close()
    for handler in handlers:
        root.addHandler(handler)
    root.setLevel(os.environ.get("YHT_LOG_LEVEL", "info").upper())
    for name in _NOISY:
        logging.getLogger(name).setLevel(logging.WARNING)
    # A full disk or a closed terminal must not end a process or fill its output.
    logging.raiseExceptions = False
    return path


def _formatter(shared: Sequence[Processor], *last: Processor) -> logging.Formatter:
    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=list(shared),
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            structlog.processors.format_exc_info,
            mask_personal,
            *last,
        ],
    )


def _binder(constants: Mapping[str, object]) -> Processor:
    def bind(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
        first = {key: event[key] for key in ("timestamp", "level", "event") if key in event}
        return {**first, **constants, **event}

    return bind


def mask_personal(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Hide what looks like a telephone number in every text of a log entry, and cut texts that are too long."""
    for key, value in event.items():
        if key != "timestamp":
            event[key] = _masked(key, value)
    return event


def mask(text: str) -> str:
    """Return the text with all but the last two digits of each telephone number hidden."""
    return _NUMBER.sub(lambda found: _starred(found[0]), text)


def _starred(number: str) -> str:
    digits = sum(letter.isdigit() for letter in number)
    return "*" * (digits - 2) + number[-2:]


def _masked(key: str, value: Any) -> Any:
    if key in _PERSONAL_KEYS and value:
        text = str(value)
        return "*" * min(len(text), 8) if len(text) < 4 else "******" + text[-2:]
    if isinstance(value, str):
        return mask(_cut(value, MAX_TRACE if key == "exception" else MAX_TEXT))
    if isinstance(value, Mapping):
        return {name: _masked(str(name), inner) for name, inner in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_masked("", inner) for inner in value]
    if value is None or isinstance(value, bool | int | float):
        return value
    return mask(_cut(str(value), MAX_TEXT))


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[:most]}… ({len(text)} characters)"


def short_line(_logger: WrappedLogger, _method: str, event: EventDict) -> str:
    """Render an entry for a person who watches: time, level if it matters, event, values, no traceback."""
    values = dict(event)
    time = str(values.pop("timestamp", ""))[11:19]
    level = str(values.pop("level", "info"))
    name = values.pop("event", "")
    trace = str(values.pop("exception", "")).strip()
    for key in ("stack", "logger", "process", "pid", "node"):
        values.pop(key, None)
    words = [time, "" if level == "info" else level.upper(), str(name)]
    words += [f"{key}={value}" for key, value in values.items()]
    if trace:
        words.append(f"({trace.splitlines()[-1]})")
    return " ".join(filter(None, words))
