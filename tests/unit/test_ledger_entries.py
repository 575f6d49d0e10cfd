"""What the ledger takes off the stream is what databases can keep, however it is written."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caselink import contact
from cti import widths
from cti.ledger import entries, project

pytestmark = pytest.mark.unit

_any = st.text(st.characters() | st.sampled_from("\x00\ud800\udfff\\u0"), max_size=12)


def _can_be_kept(text: str) -> bool:
    return not any(letter == "\x00" or "\ud800" <= letter <= "\udfff" for letter in text)


@given(call_id=_any, key=_any, value=_any, is_escaped=st.booleans())
def test_a_text_that_no_database_keeps_is_poison_wherever_it_stands(
    call_id: str, key: str, value: str, is_escaped: bool
) -> None:
    fact = {"fact_id": "f", "kind": "call_ended", "at": 1, "call_id": call_id, "data": {key: value}}
    # A pair of halves is one letter once it is read back.
    fact = json.loads(json.dumps(fact))
    good, bad = entries.read([("1-0", {"f": json.dumps(fact, ensure_ascii=is_escaped)})])
    is_good = all(map(_can_be_kept, (fact["call_id"], *fact["data"], *fact["data"].values())))
    assert (len(good), len(bad)) == ((1, 0) if is_good else (0, 1))


@pytest.mark.parametrize("key", ["fact_id", "kind", "call_id", "leg", "node"])
def test_a_text_that_is_too_long_for_its_column_is_poison(key: str) -> None:
    fact = {"fact_id": "f", "kind": "call_ended", "at": 1, "data": {}, key: "x" * (widths.FACT_ID + 1)}
    good, bad = entries.read([("1-0", {"f": json.dumps(fact)})])
    assert not good
    assert key in bad[0].error


def test_what_is_known_of_a_call_for_its_rows_is_enough_for_its_case() -> None:
    assert contact.KINDS <= project.KINDS
