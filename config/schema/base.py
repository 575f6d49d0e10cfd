"""What all models of the configuration share: strictness, and the small types that fields are made of."""

import re
from datetime import date, datetime
from typing import Annotated, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field
from pydantic_core import PydanticCustomError


class Model(BaseModel):
    """A frozen model that knows its fields and no others, and converts nothing silently."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, use_attribute_docstrings=True)


def written(pattern: str, right: str) -> AfterValidator:
    """Return what holds a text to `pattern` (the whole of it); `right` tells a person how to write it."""
    compiled = re.compile(pattern)

    def check(value: str) -> str:
        if not compiled.fullmatch(value):
            raise PydanticCustomError("written", "{right}", {"right": right})
        return value

    return AfterValidator(check)


def as_list(value: object) -> object:
    """Let one text stand where a list of texts is meant."""
    if isinstance(value, str):
        return (value,)
    return tuple(value) if isinstance(value, list) else value


def _no_control_characters(value: str) -> str:
    if any(ord(letter) < 32 or ord(letter) == 127 for letter in value):
        raise ValueError("holds a control character; write it without line breaks and tabs")
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
            raise ValueError(
                f"{value!r} is not in the calendar; write a day and an hour that there are"
            ) from error
    else:
        raise ValueError("is no date; write 2026-12-01 or 2026-12-01T08:00")
    if moment.tzinfo is not None:
        raise ValueError("holds an offset; leave it out, the city's time zone applies")
    return moment


Id = Annotated[str, written(r"[a-z0-9][a-z0-9_-]{0,39}", "write 1 to 40 of a to z, 0 to 9, _ and -")]
"""A name that other entries refer to; it also becomes part of channel variables and file names."""

Text = Annotated[str, Field(min_length=1, max_length=100), AfterValidator(_no_control_characters)]
"""A name shown to people."""

Extension = Annotated[str, written(r"[0-9]{2,10}", 'write 2 to 10 digits in quotes, such as "1001"')]

Port = Annotated[int, Field(ge=1, le=65535)]

Host = Annotated[
    str, written(r"[0-9A-Za-z:.\-]{1,253}", "write an address such as 127.0.0.1, or a host name")
]

Language = Literal["zh", "en"]

TimeZone = Annotated[str, AfterValidator(_time_zone)]


def _local_day(value: object) -> object:
    if not isinstance(value, str) or not re.fullmatch(r"\d{4}-\d\d-\d\d", value):
        raise ValueError(f"{str(value)[:40]!r} is no day; write it as 2026-12-01")
    try:
        return date.fromisoformat(value)
    except ValueError as error:
        raise ValueError(f"{value!r} is not in the calendar; write a day that there is") from error


LocalDay = Annotated[date, BeforeValidator(_local_day)]
"""A day."""

LocalTime = Annotated[datetime, BeforeValidator(_local_time)]
"""A moment in the city's own time zone, without an offset."""

__all__ = [
    "Extension",
    "Host",
    "Id",
    "Language",
    "LocalDay",
    "LocalTime",
    "Model",
    "Port",
    "Text",
    "TimeZone",
    "as_list",
    "written",
]
