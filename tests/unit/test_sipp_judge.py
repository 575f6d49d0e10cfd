"""The judge of SIPp scenarios says what differs, and is silent where nothing does."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cti.app.sipp.judge import differs, judge
from cti.app.sipp.model import Expectations, Scalar, Words
from cti.app.sipp.observed import AgentEnd, Observed, parse_log
from cti.app.sipp.process import Counted
from cti.app.sipp.values import UnknownName, resolve
from cti.facts import Fact, Value

pytestmark = pytest.mark.unit

CALL = "n1-1.1"
VALUES: dict[str, Scalar] = {
    "call.citizen": CALL,
    "call.other": "n1-2.2",
    "agent.agent": "1901",
    "ring_ms": 15_000,
    "line.queue": "rehearsal_a",
}


def fact(kind: str, at: int = 0, call_id: str = CALL, **data: Value) -> Fact:
    return Fact(f"{kind}:{call_id}:{at}", kind, at, call_id, data=data)


def seen(*facts: Fact, **more: Any) -> Observed:
    calls = {"citizen": CALL, "other": "n1-2.2"}
    return Observed(calls=calls, facts=facts, agents={"agent": AgentEnd("ready", "")}, **more)


def expecting(text: dict[str, Any]) -> Expectations:
    import json

    return Expectations.model_validate_json(json.dumps(text))


def reasons(expected: dict[str, Any], observed: Observed) -> tuple[str, ...]:
    return judge(expecting(expected), observed, VALUES)


def test_facts_in_order_are_found_although_others_stand_between() -> None:
    expected = {"calls": {"citizen": {"facts": ["queued", {"offered": {"agent": "$agent.agent"}}]}}}
    facts = (
        fact("queued"),
        fact("greeting_started"),
        fact("offered", agent="1902"),
        fact("offered", agent="1901"),
    )
    assert reasons(expected, seen(*facts)) == ()


def test_a_fact_out_of_order_is_told_with_all_that_is_stored() -> None:
    expected = {"calls": {"citizen": {"facts": ["offered", "queued"]}}}
    assert reasons(expected, seen(fact("queued"), fact("offered"))) == (
        "citizen: expected queued after the facts before it; stored are: queued offered",
    )


def test_data_that_differs_is_told_with_what_it_should_be() -> None:
    expected = {"calls": {"citizen": {"facts": [{"offered": {"waited_ms": {"at_least": "$ring_ms - 500"}}}]}}}
    assert reasons(expected, seen(fact("offered", waited_ms=14_500))) == ()
    assert reasons(expected, seen(fact("offered", waited_ms=3))) == (
        "citizen: expected offered with waited_ms at least 14500, it was 3",
    )


def test_counts_and_what_never_happens() -> None:
    expected = {"calls": {"citizen": {"counts": {"offered": 2}, "never": ["fallback_entered"]}}}
    assert reasons(expected, seen(fact("offered"), fact("fallback_entered"))) == (
        "citizen: expected offered 2 times, stored 1",
        "citizen: fallback_entered was never to happen",
    )


def test_a_call_that_was_never_stored() -> None:
    nobody = Observed()
    assert reasons({"calls": {"citizen": {"counts": {"call_arrived": 0}}}}, nobody) == ()
    assert reasons({"calls": {"citizen": {"facts": ["call_arrived"]}}}, nobody) == (
        "citizen: the platform stored no such call",
    )


def test_facts_of_another_call_do_not_count() -> None:
    expected = {"calls": {"citizen": {"counts": {"offered": 1}}}}
    assert reasons(expected, seen(fact("offered"), fact("offered", call_id="n1-2.2"))) == ()


def test_calls_come_in_order() -> None:
    expected = {"order": [{"fact": "answered", "of": ["citizen", "other"]}]}
    first, second = fact("answered", 1), fact("answered", 2, "n1-2.2")
    assert reasons(expected, seen(first, second)) == ()
    assert reasons(expected, seen(fact("answered", 3), second)) == (
        "expected answered in the order citizen other, it was other citizen",
    )
    assert reasons(expected, seen(first)) == ("other: expected answered, it was not stored",)


def test_how_an_agent_ends_and_passes() -> None:
    states = [fact("agent_state", agent="1901", state=state) for state in ("ready", "offered", "not_ready")]
    expected = {"agents": {"agent": {"state": "not_ready", "passes": ["ready", "not_ready", "ready"]}}}
    assert reasons(expected, seen(*states)) == (
        "agent: expected its state to end as 'not_ready', it is 'ready'",
        "agent: expected the states ready not_ready ready, they were ready offered not_ready",
    )


def test_the_stored_row_of_a_call() -> None:
    expected = {"calls": {"citizen": {"row": {"outcome": "answered", "talk_ms": {"at_least": 5}}}}}
    row: dict[str, Value] = {"outcome": "abandoned", "talk_ms": 7}
    assert reasons(expected, seen(fact("queued"), rows={"citizen": row})) == (
        "citizen: expected its outcome to be 'answered', it is 'abandoned'",
    )


def test_sipp_that_did_not_go_as_its_xml_says() -> None:
    observed = seen(counted={"agent": Counted(1, 1, {"UnexpectedMessage": 1}, "got 404")})
    told = "agent: its SIPp did not go as its XML says (UnexpectedMessage); got 404"
    assert reasons({}, observed) == (told,)
    assert reasons({"sipp": {"agent": "any"}}, observed) == ()


MESSAGES = (
    (b"12:00:00.000000", "received", b"INVITE sip:1901@x SIP/2.0", b"1 INVITE", b"X-YHT-Call-ID: n1-1.1\r\n"),
    (b"12:00:02.000000", "received", b"CANCEL sip:1901@x SIP/2.0", b"1 CANCEL", b""),
    (b"12:00:02.000100", "sent", b"SIP/2.0 200 OK", b"1 CANCEL", b""),
    (b"12:00:02.000200", "sent", b"SIP/2.0 487 Request Terminated", b"1 INVITE", b""),
    (b"12:00:02.500200", "sent", b"SIP/2.0 487 Request Terminated", b"1 INVITE", b""),
)


def log(messages: Sequence[tuple[bytes, str, bytes, bytes, bytes]]) -> bytes:
    text = b""
    for time, way, first, cseq, header in messages:
        message = (
            first
            + b"\r\nVia: SIP/2.0/UDP 127.0.0.1;branch=z9hG4bK1\r\nFrom: <sip:a>;tag=1\r\nTo: <sip:b>\r\n"
            b"Call-ID: x\r\nCSeq: " + cseq + b"\r\n" + header + b"\r\n"
        )
        size = b"received [%d] bytes :" if way == "received" else b"sent (%d bytes):"
        text += (
            b"-" * 47 + b" 2026-11-24 " + time + b"\nUDP message " + size % len(message) + b"\n\n" + message
        )
        text += b"\n"
    return text


def test_the_messages_of_sipps_log_are_read_each_once() -> None:
    found = parse_log(log(MESSAGES))
    assert [(message.sent, message.message.first_line) for message in found] == [
        (False, "INVITE sip:1901@x SIP/2.0"),
        (False, "CANCEL sip:1901@x SIP/2.0"),
        (True, "SIP/2.0 200 OK"),
        (True, "SIP/2.0 487 Request Terminated"),
    ]
    assert found[1].at_us - found[0].at_us == 2_000_000


@given(st.binary(max_size=400), st.integers(0, 5))
def test_a_broken_log_is_read_as_far_as_it_goes(rubbish: bytes, where: int) -> None:
    whole = log(MESSAGES)
    cut = len(whole) * where // 5
    assert len(parse_log(whole[:cut] + rubbish + whole[cut:])) <= len(MESSAGES) + 1


def sip(**words: Any) -> tuple[str, ...]:
    return reasons({"sip": [words]}, seen(messages={"agent": parse_log(log(MESSAGES))}))


def test_messages_are_counted_and_their_headers_read() -> None:
    assert sip(at="agent", received="INVITE", count=1, headers={"X-YHT-Call-ID": "$call.citizen"}) == ()
    assert sip(at="agent", received="BYE") == ("expected agent to receive BYE at least 1 times, saw 0",)
    assert sip(at="agent", sent="200", to="INVITE", count=0) == ()
    assert sip(at="agent", received="INVITE", headers={"X-YHT-Call-ID": "$call.other"}) == (
        "expected agent to receive INVITE with X-YHT-Call-ID 'n1-2.2', it was 'n1-1.1'",
    )


def test_a_message_comes_soon_after_another() -> None:
    invite = {"at": "agent", "received": "INVITE"}
    assert sip(at="agent", received="CANCEL", after=invite, within_ms=2000) == ()
    assert sip(at="agent", received="CANCEL", after=invite, within_ms=1999) == (
        "expected agent to receive CANCEL within 1999 ms after agent to receive INVITE, it took 2000 ms",
    )
    assert sip(at="agent", received="INVITE", after={"at": "agent", "sent": "487"}, within_ms=5) == (
        "expected agent to receive INVITE within 5 ms after agent to send 487, it came before",
    )


@pytest.mark.parametrize(
    ("found", "words", "said"),
    [
        (5, Words(at_least=5, at_most=5), ""),
        (6, Words(at_least=5, at_most=5), "at most 5"),
        (None, Words(at_least=0), "at least 0"),
        ("b", Words(one_of=("a", "b")), ""),
        ("c", Words(one_of=("a", "$line.queue")), "one of 'a', 'rehearsal_a'"),
        ("greeting_1", Words(matches="greeting_[0-9]"), ""),
        ("greeting", Words(matches="greeting_[0-9]"), "as 'greeting_[0-9]'"),
        ("", Words.model_validate({"not": ""}), "not ''"),
        (True, 1, "1"),
    ],
)
def test_words(found: Value, words: Words | Scalar, said: str) -> None:
    assert differs(found, words, VALUES) == said


def test_names_are_filled_in_or_refused() -> None:
    assert resolve("$ring_ms + 1500", VALUES) == 16_500
    assert resolve("plain $ring_ms", VALUES) == "plain $ring_ms"
    for wrong in ("$nobody", "$ring_ms+1", "$line.queue + 1", "$"):
        with pytest.raises(UnknownName):
            resolve(wrong, VALUES)
