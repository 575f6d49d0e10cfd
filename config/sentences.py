"""Says in a person's words what pydantic found wrong with a document."""

from __future__ import annotations

import difflib
import json
import types
from collections.abc import Callable, Iterable, Mapping
from typing import Annotated, Any, TypeVar, Union, cast, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from config.schema.base import Model
from config.source import Document, Inside, shown

M = TypeVar("M", bound=Model)

_UNSAID = frozenset({"url"})
"""Fields whose value may hold a password and is never repeated."""


def validated(document: Document, model: type[M]) -> M | None:
    """Return the document as a model, or None; then what is wrong has been noted in the document."""
    if document.value is None:
        document.problem((), "is empty", f"write into it what it is for: {_a_list_of(model.model_fields)}")
        return None
    try:
        # As JSON: there a list is a tuple and a text may be a moment, while nothing else is converted.
        return model.model_validate_json(json.dumps(document.value))
    except ValidationError as error:
        for detail in error.errors(include_url=False):
            _note(document, model, detail)
        return None


def did_you_mean(wrong: str, known: Iterable[str]) -> str:
    """Return 'did you mean "x"? ' or "" where nothing known is like it."""
    near = difflib.get_close_matches(wrong[:60], list(known), n=1, cutoff=0.6)
    return f'did you mean "{near[0]}"? ' if near else ""


def one_of(known: Iterable[str], longest: int = 12) -> str:
    """Return names as a person lists them: a, b and c; no more than `longest`."""
    names = list(known)
    if len(names) > longest:
        return ", ".join(names[:longest]) + f" and {len(names) - longest} more"
    return " and ".join([", ".join(names[:-1]), names[-1]]) if len(names) > 1 else "".join(names)


def _a_list_of(fields: Mapping[str, FieldInfo]) -> str:
    return one_of(info.alias or name for name, info in fields.items())


def _note(document: Document, model: type[Model], detail: ErrorDetails) -> None:
    inside: Inside = tuple(step for step in detail["loc"] if step != "[key]")
    if any(inside[:depth] in document.spoilt for depth in range(len(inside) + 1)):
        return
    kind = detail["type"]
    field = str(inside[-1]) if inside else ""
    if kind in ("missing", "extra_forbidden"):
        owner = model_at(model, inside[:-1])
        fields = owner.model_fields if owner else {}
        if kind == "missing":
            document.problem(inside[:-1], f'"{field}" is missing', _add(field, fields))
        else:
            known = [info.alias or name for name, info in fields.items()]
            document.problem(
                inside,
                f'there is no field "{shown(field)}"',
                f"{did_you_mean(field, known)}there are {one_of(known, 30)}",
            )
        return
    value = document.written.get(inside)
    said = "the value" if value is None or field in _UNSAID else f'"{shown(value)}"'
    if detail["input"] is None:
        document.problem(
            inside,
            "has no value",
            f"write {_EMPTY.get(kind, 'one')}, or leave the line out if the field may be absent",
        )
        return
    what, remedy = _SENTENCES.get(kind, _as_pydantic)(said, detail.get("ctx", {}), detail)
    document.problem(inside, what, remedy)


def _add(field: str, fields: Mapping[str, FieldInfo]) -> str:
    for name, info in fields.items():
        if field == (info.alias or name) and info.description:
            return f"add {field}: {info.description.rstrip('.')}"
    return f"add a line {field}:"


_EMPTY = {
    "string_type": "a text",
    "int_type": "a number",
    "bool_type": "true or false",
    "tuple_type": "a list",
    "model_type": "its fields",
}

Told = tuple[str, str]
Sentence = Callable[[str, Mapping[str, Any], ErrorDetails], Told]


def _text(said: str, _: Mapping[str, Any], detail: ErrorDetails) -> Told:
    if isinstance(detail["input"], list | dict):
        return "holds a list or a mapping", "write a text"
    quoted = said if said.startswith('"') else '"…"'
    return f"{said.strip(chr(34))} is not in quotes, so it is not a text", f"write {quoted}"


def _literal(said: str, context: Mapping[str, Any], detail: ErrorDetails) -> Told:
    expected = str(context["expected"]).replace("'", "")
    known = expected.replace(" or ", ", ").split(", ")
    return f"{said} is not known here", f"{did_you_mean(str(detail['input']), known)}write {expected}"


def _own(said: str, _: Mapping[str, Any], detail: ErrorDetails) -> Told:
    what, semicolon, remedy = detail["msg"].removeprefix("Value error, ").partition("; ")
    return what, remedy if semicolon else "write it otherwise"


def _count(context: Mapping[str, Any], name: str) -> str:
    number = context[name]
    return f"{number} entr{'y' if number == 1 else 'ies'}"


def _as_pydantic(said: str, _: Mapping[str, Any], detail: ErrorDetails) -> Told:
    return f"{said} is not right here", detail["msg"][:1].lower() + detail["msg"][1:]


def _whole(said: str, *_: object) -> Told:
    return f"{said} is not a whole number", "write digits without quotes, such as 30"


def _mapping(*_: object) -> Told:
    return "is no mapping of names to values", "write name: value, one a line"


_SENTENCES: dict[str, Sentence] = {
    "string_type": _text,
    "written": lambda said, context, _: (f"{said} is not written as it must be", context["right"]),
    "literal_error": _literal,
    "value_error": _own,
    "int_type": _whole,
    "int_parsing": _whole,
    "int_from_float": _whole,
    "bool_type": lambda said, *_: (
        f"{said} is neither true nor false",
        "write true or false, without quotes",
    ),
    "bool_parsing": lambda said, *_: (
        f"{said} is neither true nor false",
        "write true or false, without quotes",
    ),
    "tuple_type": lambda *_: ("is no list", "write one entry a line, each after a dash (- )"),
    "list_type": lambda *_: ("is no list", "write one entry a line, each after a dash (- )"),
    "dict_type": _mapping,
    "model_type": _mapping,
    "model_attributes_type": _mapping,
    "greater_than_equal": lambda said, context, _: (f"{said} is too small", f"write {context['ge']} or more"),
    "less_than_equal": lambda said, context, _: (f"{said} is too large", f"write {context['le']} or less"),
    "too_short": lambda _, context, __: ("is empty", f"write at least {_count(context, 'min_length')}"),
    "too_long": lambda _, context, __: ("is too long", f"write at most {_count(context, 'max_length')}"),
    "string_too_short": lambda _, context, __: (
        "is too short",
        f"write at least {context['min_length']} character{'s' if context['min_length'] > 1 else ''}",
    ),
    "string_too_long": lambda _, context, __: (
        "is too long",
        f"write at most {context['max_length']} characters",
    ),
}


def model_at(annotation: Any, inside: Inside) -> type[BaseModel] | None:
    """Return the model that stands at a place below `annotation`."""
    origin = get_origin(annotation)
    if origin is Annotated:
        return model_at(get_args(annotation)[0], inside)
    if origin in (Union, types.UnionType):
        return next((found for part in get_args(annotation) if (found := model_at(part, inside))), None)
    if origin in (tuple, list) and inside:
        return model_at(get_args(annotation)[0], inside[1:])
    if origin is dict and inside:
        return model_at(get_args(annotation)[1], inside[1:])
    if not (isinstance(annotation, type) and issubclass(annotation, BaseModel)):
        return None
    if not inside:
        return annotation
    for name, info in annotation.model_fields.items():
        if inside[0] == (info.alias or name):
            return model_at(cast(Any, info.annotation), inside[1:])
    return None
