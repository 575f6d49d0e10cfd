"""What all models of the configuration share: strictness, and the small types that fields are made of."""

import re
from datetime import date, datetime, time
from typing import Annotated, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field


class Model(BaseModel):
    """A frozen model that knows its fields and no others, and converts nothing silently."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


def _as_list(value: object) -> object:
    return [value] if isinstance(value, str) else value


def _no_control_characters(value: str) -> str:
    if any(ord(letter) < 32 or ord(letter) == 127 for letter in value):
        raise ValueError("holds a control character")
    return value


def _time_zone(value: str) -> str:
    try:
        ZoneInfo(value)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ValueError(f"there is no time zone {value!r}; the name for China is Asia/Shanghai") from error
    return value


def _local_time(value: object) -> object:
    """Read "2026-12-01" or "2026-12-01T08:00" as local time of the hotline."""
    if isinstance(value, datetime):
        moment = value
    elif isinstance(value, str):
        if not re.fullmatch(r"\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d)?)?", value):
            raise ValueError(f"{value!r} is no local date; write 2026-12-01 or 2026-12-01T08:00, no offset")
        try:
            moment = datetime.fromisoformat(value)
        except ValueError as error:
            raise ValueError(f"{value!r} is not in the calendar ({error})") from error
    else:
        raise ValueError("a date is written 2026-12-01 or 2026-12-01T08:00")
    if moment.tzinfo is not None:
        raise ValueError("a date holds no offset: the hotline's time zone applies")
    return moment.isoformat() if isinstance(value, str) else moment


Id = Annotated[
    str, Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,39}$", description="lower-case letters, digits, _ and -")
]
"""A name that other entries refer to; it also becomes part of channel variables and file names."""

Text = Annotated[str, Field(min_length=1, max_length=100), AfterValidator(_no_control_characters)]
"""A name shown to people."""

Extension = Annotated[str, Field(pattern=r"^[0-9]{2,10}$", description="2 to 10 digits, in quotes")]

Port = Annotated[int, Field(ge=1, le=65535)]

Host = Annotated[str, Field(pattern=r"^[0-9A-Za-z:.\-]{1,253}$")]

Language = Literal["zh", "en"]

TimeZone = Annotated[str, AfterValidator(_time_zone)]

LocalTime = Annotated[datetime, BeforeValidator(_local_time)]
"""A moment in the hotline's own time zone, without an offset."""

DialString = Annotated[
    str, Field(pattern=r"^\+?[0-9]{2,20}$", description="digits, an optional + before them")
]
"""A number that the platform dials."""

Strings = Annotated[tuple[str, ...], BeforeValidator(_as_list)]

__all__ = [
    "DialString",
    "Extension",
    "Host",
    "Id",
    "Language",
    "LocalTime",
    "Model",
    "Port",
    "Strings",
    "Text",
    "TimeZone",
    "date",
    "time",
]
