"""A fact survives being written down, and what is no fact is refused with the place and the reason."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cti.facts import KINDS, MAX_FACT_BYTES, Fact, FactError, decode, encode

pytestmark = pytest.mark.unit

_text = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
_extra = st.dictionaries(_text, st.none() | st.booleans() | st.integers() | _text, max_size=3)


@st.composite
def facts(draw: st.DrawFn) -> Fact:
    kind = draw(st.sampled_from(list(KINDS.values())))
    required = {
        name: draw(_text if wanted is str else st.integers()) for name, wanted in kind.required.items()
    }
    return Fact(
        fact_id=draw(_text.filter(bool)),
        kind=kind.name,
        at=draw(st.integers(0, 2**53)),
        call_id=draw(_text),
        leg=draw(_text),
        node=draw(_text),
        data={**draw(_extra), **required},
    )


@given(facts())
def test_a_fact_comes_back_as_it_was_written(fact: Fact) -> None:
    text = encode(fact)
    assert "\n" not in text
    assert decode(text) == fact


@given(st.text(max_size=200) | st.recursive(st.none() | st.integers() | st.text(), st.lists).map(json.dumps))
def test_any_other_text_is_refused_and_nothing_else_is_raised(text: str) -> None:
    with pytest.raises(FactError):
        decode(text)


def _with(**changes: object) -> str:
    good = {"fact_id": "f", "kind": "call_ended", "at": 1, "call_id": "n1-1.2", "data": {}}
    return json.dumps({**good, **changes})


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("{", "not JSON"),
        ("[" * 50_000, "not JSON"),
        ("[]", "an object, not a list"),
        ('{"kind":"call_ended","at":1}', "'fact_id' is missing"),
        (_with(fact_id=""), "'fact_id' is empty"),
        (_with(fact_id=7), "'fact_id' is a text, not a number"),
        (_with(kind="call_began"), "unknown kind 'call_began'"),
        (_with(at=1.5), "microseconds"),
        (_with(at=True), "microseconds"),
        (_with(at=-1), "microseconds"),
        (_with(at=10**18), "microseconds"),
        (_with(colour="red"), "unknown key 'colour'"),
        (_with(data=[1]), "'data' is an object, not a list"),
        (_with(data={"a": [1]}), "'data.a' is a text"),
        (_with(kind="case_opened"), "case_opened: 'data.case' is missing"),
        (_with(kind="case_opened", data={"case": 7}), "'data.case' is a text, not a number"),
        (_with(kind="transcribed", data={"engine": "v", "model": "m", "segments": "3"}), "a whole number"),
        ("x" * (MAX_FACT_BYTES + 1), "at most"),
    ],
)
def test_a_refusal_names_the_key_and_what_is_wrong(text: str, says: str) -> None:
    with pytest.raises(FactError, match=says.replace("[", r"\[")):
        decode(text)


def test_the_empty_table_of_lua_reads_as_no_data() -> None:
    assert decode(_with(data=[])).data == {}


def test_a_fact_that_breaks_the_table_is_not_written() -> None:
    with pytest.raises(FactError, match=r"'data.agent' is missing"):
        encode(Fact("f", "offered", 1))
