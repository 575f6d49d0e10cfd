"""A measured telephone does what a real one does: it rings, answers, talks, hangs up, and repeats what is lost."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cti.app.bench.seats import GIVE_UP_SECONDS, Datagram, Seats
from cti.app.bench.sip import Message, SipError, address, build, parameter, parse, respond, sdp

pytestmark = pytest.mark.unit

ASTERISK = ("127.0.0.1", 5060)
HERE = ("127.0.0.3", 5070)


def request(method: str, seat: str = "2001", call: str = "c1", branch: str = "b1", tag: str = "") -> bytes:
    return build(
        f"{method} sip:{seat}@127.0.0.3:5070 SIP/2.0",
        [
            ("Via", f"SIP/2.0/UDP 127.0.0.1:5060;rport;branch=z9hG4bK{branch}"),
            ("From", "<sip:13800000001@127.0.0.1>;tag=asterisk"),
            ("To", f"<sip:{seat}@127.0.0.3>" + (f";tag={tag}" if tag else "")),
            ("Call-ID", call),
            ("CSeq", f"7 {method}"),
            ("Contact", "<sip:asterisk@127.0.0.1:5060>"),
        ],
    )


def answer(to: Datagram, status: int = 200) -> bytes:
    return respond(parse(to.data), status, "")


def read(sent: list[Datagram]) -> list[Message]:
    return [parse(datagram.data) for datagram in sent]


def telephones(talk: float = 2.0, ring: float = 0.0) -> Seats:
    return Seats(HERE, lambda: talk, ring)


def test_a_call_is_rung_answered_talked_and_ended_and_the_next_invite_closes_the_gap() -> None:
    seats = telephones(talk=2.0)
    ringing, answered = read(seats.receive(request("INVITE"), ASTERISK, 10.0))
    assert (ringing.status, answered.status) == (180, 200)
    assert b"m=audio" in answered.body
    assert seats.receive(request("ACK", branch="b2"), ASTERISK, 10.1) == []
    assert seats.next_wake is not None
    assert seats.wake(12.0) == []
    (bye,) = seats.wake(12.1)
    message = parse(bye.data)
    assert message.method == "BYE"
    assert message.first_line == "BYE sip:asterisk@127.0.0.1:5060 SIP/2.0"
    assert parameter(message.get("from"), "tag") == parameter(answered.get("to"), "tag")
    assert parameter(message.get("to"), "tag") == "asterisk"
    assert bye.to == ASTERISK
    assert seats.receive(answer(bye), ASTERISK, 12.11) == []
    seats.receive(request("INVITE", call="c2"), ASTERISK, 12.13)
    (gap,) = seats.gaps
    assert (gap.seat, round(gap.seconds, 6)) == ("2001", 0.03)
    assert seats.counts == {"invited": 2, "answered": 1, "ended": 1}


def test_a_telephone_that_rings_first_answers_when_the_time_has_come() -> None:
    seats = telephones(ring=0.5)
    assert [m.status for m in read(seats.receive(request("INVITE"), ASTERISK, 0.0))] == [180]
    assert seats.next_wake == 0.5
    assert [m.status for m in read(seats.wake(0.5))] == [200]


def test_a_second_call_to_a_busy_seat_is_refused_and_counted() -> None:
    seats = telephones()
    seats.receive(request("INVITE"), ASTERISK, 0.0)
    assert [m.status for m in read(seats.receive(request("INVITE", call="c2"), ASTERISK, 0.1))] == [486]
    assert seats.counts["doubled"] == 1
    assert [m.status for m in read(seats.receive(request("INVITE", "2002", "c3"), ASTERISK, 0.2))] == [
        180,
        200,
    ]


def test_an_invite_may_come_before_the_bye_is_answered() -> None:
    seats = telephones(talk=1.0)
    seats.receive(request("INVITE"), ASTERISK, 0.0)
    seats.receive(request("ACK"), ASTERISK, 0.0)
    (bye,) = seats.wake(1.0)
    assert [m.status for m in read(seats.receive(request("INVITE", call="c2"), ASTERISK, 1.004))] == [
        180,
        200,
    ]
    seats.receive(answer(bye), ASTERISK, 1.005)
    assert [round(gap.seconds, 6) for gap in seats.gaps] == [0.004]
    assert seats.talking == 1


def test_a_cancelled_call_is_ended_on_both_transactions() -> None:
    seats = telephones(ring=5.0)
    seats.receive(request("INVITE"), ASTERISK, 0.0)
    assert [(m.status, m.method) for m in read(seats.receive(request("CANCEL"), ASTERISK, 1.0))] == [
        (200, "CANCEL"),
        (487, "INVITE"),
    ]
    assert seats.talking == 0
    seats.receive(request("INVITE", call="c2"), ASTERISK, 1.5)
    assert seats.gaps[0].freed_at == 1.0


def test_a_repeated_invite_gets_the_same_answer_again_and_rings_no_second_time() -> None:
    seats = telephones()
    first = seats.receive(request("INVITE"), ASTERISK, 0.0)
    assert seats.receive(request("INVITE"), ASTERISK, 0.2) == [first[-1]]
    assert seats.counts["invited"] == 1


def test_an_answer_without_ack_is_repeated_with_growing_pauses_and_then_given_up() -> None:
    seats = telephones()
    seats.receive(request("INVITE"), ASTERISK, 0.0)
    times = []
    while (wake := seats.next_wake) is not None:
        if seats.wake(wake):
            times.append(wake)
    assert times[:4] == [0.5, 1.5, 3.5, 7.5]
    assert max(b - a for a, b in pairwise(times)) <= 4.0
    assert times[-1] <= GIVE_UP_SECONDS
    assert seats.counts["lost"] == 1
    assert seats.talking == 0


def test_the_other_side_may_hang_up_at_any_time() -> None:
    seats = telephones(talk=60.0)
    seats.receive(request("INVITE"), ASTERISK, 0.0)
    seats.receive(request("ACK"), ASTERISK, 0.0)
    assert [m.status for m in read(seats.receive(request("BYE", branch="b9"), ASTERISK, 3.0))] == [200]
    assert [m.status for m in read(seats.receive(request("BYE", branch="b9"), ASTERISK, 3.5))] == [481]
    assert seats.wake(100.0) == []
    assert seats.counts["left"] == 1


def test_questions_outside_a_call_are_answered() -> None:
    seats = telephones()
    assert [m.status for m in read(seats.receive(request("OPTIONS"), ASTERISK, 0.0))] == [200]
    assert [m.status for m in read(seats.receive(request("INFO"), ASTERISK, 0.0))] == [481]
    assert seats.receive(request("ACK"), ASTERISK, 0.0) == []


@given(st.binary(max_size=400) | st.text(max_size=200).map(str.encode))
def test_rubbish_is_counted_and_disturbs_nothing(data: bytes) -> None:
    seats = telephones()
    assert seats.receive(data, ASTERISK, 0.0) == []
    assert seats.counts["rubbish"] == 1


_methods = st.sampled_from(["INVITE", "ACK", "BYE", "CANCEL", "INFO", "OPTIONS", "REFER"])


@settings(deadline=None)
@given(st.lists(st.tuples(_methods, st.sampled_from(["2001", "2002"]), st.integers(1, 6), st.floats(0, 3))))
def test_whatever_the_order_no_seat_holds_two_calls_and_all_is_over_in_the_end(
    steps: list[tuple[str, str, int, float]],
) -> None:
    seats = telephones(talk=1.0, ring=0.3)
    now = 0.0
    for number, (method, seat, call, pause) in enumerate(steps):
        now += pause
        seats.wake(now)
        seats.receive(request(method, seat, f"c{call}", f"b{number}"), ASTERISK, now)
        assert seats.talking <= 2
    while (wake := seats.next_wake) is not None:
        seats.wake(wake)
    assert seats.talking == 0
    assert all(gap.seconds >= 0 for gap in seats.gaps)


def test_a_message_is_read_back_as_it_was_written() -> None:
    body = sdp("127.0.0.3", 9, 4)
    data = build("SIP/2.0 200 OK", [("v", "SIP/2.0/UDP a;branch=x"), ("f", "<sip:a@b>;tag=1"), ("t", "sip:c@d"),
                                    ("i", "77"), ("CSeq", "3 BYE")], body)  # fmt: skip
    message = parse(data)
    assert (message.status, message.method, message.branch, message.body) == (200, "BYE", "x", body)
    assert parameter(message.get("from"), "tag") == "1"
    assert address(message.get("from")) == "sip:a@b"
    assert message.get("content-length") == str(len(body))


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"INVITE sip:a@b SIP/2.0\r\n", "no empty line"),
        (b"hello\r\n\r\n", "neither request nor response"),
        (b"SIP/2.0 20 OK\r\n\r\n", "neither request nor response"),
        (b"BYE sip:a@b SIP/2.0\r\nnonsense\r\n\r\n", "without a colon"),
        (b"BYE sip:a@b SIP/2.0\r\nVia: x\r\n\r\n", "no from header"),
        (b"x" * 70_000, "70000 bytes"),
    ],
)
def test_what_is_no_message_is_refused_with_the_reason(data: bytes, says: str) -> None:
    with pytest.raises(SipError, match=says):
        parse(data)
