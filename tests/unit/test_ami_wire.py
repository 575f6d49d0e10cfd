"""AMI's bytes become whole messages however they are cut, and no value of ours becomes another action."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cti.ami.wire import (
    MAX_LINE_BYTES,
    MAX_LINES,
    AmiEvent,
    AmiReply,
    FieldError,
    Framer,
    WireError,
    check_action,
    message,
    parse,
)

pytestmark = pytest.mark.unit

BANNER = b"Asterisk Call Manager/11.0.0\r\n"
STREAM = (
    BANNER
    + (
        "Response: Success\r\nActionID: a-1\r\nMessage: Authentication accepted\r\n\r\n"
        "Event: UserEvent\r\nUserEvent: 等候\r\nQueue: 城管热线\r\nEmpty: \r\nTime: 10:30: x\r\n\r\n"
        "\r\n"
        "Event: Status\r\nVariable: A=1\r\nVariable: B=x=y\r\nVariable: C\r\nActionID: a-2\r\n\r\n"
    ).encode()
)


def frame(chunks: list[bytes], most: int = 65_536) -> list[bytes]:
    framer = Framer(most)
    return [raw for chunk in chunks for raw in framer.feed(chunk)]


@given(st.sets(st.integers(1, len(STREAM) - 1), max_size=40))
def test_messages_are_the_same_however_the_bytes_are_cut(cuts: set[int]) -> None:
    marks = sorted(cuts)
    pieces = [STREAM[a:b] for a, b in zip([0, *marks], [*marks, len(STREAM)], strict=True)]
    assert frame(pieces) == frame([STREAM])


def test_a_byte_at_a_time_loses_no_chinese_character() -> None:
    [_, event, _] = map(message, frame([bytes([byte]) for byte in STREAM]))
    assert isinstance(event, AmiEvent)
    assert event.get("queue") == "城管热线"


def test_headers_are_found_in_any_case_and_repeats_are_kept() -> None:
    _, told, status = map(message, frame([STREAM]))
    assert told.get("TIME") == "10:30: x"
    assert told.get("empty", "other") == ""
    assert told.get("missing", "other") == "other"
    assert told.headers["UserEvent"] == "等候"
    assert status.headers["VARIABLE"] == ("A=1", "B=x=y", "C")
    assert status.all("variable") == ("A=1", "B=x=y", "C")
    assert status.pairs("Variable") == {"A": "1", "B": "x=y", "C": ""}
    assert status.get("variable") == "A=1"
    assert told.all("queue") == ("城管热线",)
    assert told.all("missing") == ()
    assert (told.action_id, status.action_id) == ("", "a-2")


def test_a_reply_says_whether_asterisk_did_it() -> None:
    yes, no = (message(b"Response: %b\r\nMessage: m" % word) for word in (b"Success", b"Error"))
    assert isinstance(yes, AmiReply)
    assert isinstance(no, AmiReply)
    assert (yes.ok, yes.message, no.ok) == (True, "m", False)
    text = AmiReply(b"Response: Success\r\nOutput: one\r\nOutput: \r\nOutput: two")
    assert text.output == "one\n\ntwo"


def test_bytes_that_are_no_utf8_spoil_nothing_else() -> None:
    assert parse(b"A: \xff\xfe\r\nB: good") == {"a": "\ufffd\ufffd", "b": "good"}


@pytest.mark.parametrize(
    "said", [b"HTTP/1.1 400 Bad Request\r\n", b"SSH-2.0-x\r\n", b"\0", b"Asterisk Call Man\r\n", b"\r\n"]
)
def test_a_peer_that_is_no_asterisk_is_known_by_its_first_bytes(said: bytes) -> None:
    with pytest.raises(WireError, match="no Asterisk manager"):
        frame([said])


def test_nothing_grows_without_bound() -> None:
    with pytest.raises(WireError, match="no end"):
        frame([b"Asterisk Call Manager/" + b"1" * 400])
    with pytest.raises(WireError, match="more than 100 bytes"):
        frame([BANNER, b"Event: x\r\n" * 20], 100)
    with pytest.raises(WireError, match="more than 100 bytes"):
        frame([BANNER, b"Event: x\r\n" * 20 + b"\r\n"], 100)
    with pytest.raises(WireError, match="more than 100 bytes"):
        frame([BANNER, b"Event: x\r\n\r\n" + b"y" * 101], 100)


def test_a_message_that_is_neither_event_nor_reply_is_refused() -> None:
    with pytest.raises(WireError, match="neither"):
        message(b"Hello: world")


@given(st.binary(max_size=400))
def test_no_bytes_at_all_raise_anything_but_a_refusal(data: bytes) -> None:
    framer = Framer(200)
    framer.feed(BANNER)
    refused = None
    try:
        for raw in framer.feed(data):
            message(raw).get("x")
    except WireError as error:
        refused = error
    assert refused is None or str(refused)


@pytest.mark.parametrize(
    ("name", "fields", "why"),
    [
        ("Ping\r\nAction: Originate", {}, "no name of an action"),
        ("", {}, "no name of an action"),
        ("Ping", {"A\r\nAction": "Originate"}, "no name of a field"),
        ("Ping", {"": "x"}, "no name of a field"),
        ("Ping", {"A: B": "x"}, "no name of a field"),
        ("Ping", {"Channel": "x\r\nAction: Originate"}, "end of line"),
        ("Ping", {"Channel": "x\n"}, "end of line"),
        ("Ping", {"Channel": "x\0y"}, "NUL"),
        ("Ping", {"Variable": ["A=1", "B=\r"]}, "end of line"),
        ("Ping", {"Channel": "\ud800"}, "surrogate"),
        ("Ping", {"ActionID": "1"}, "the link's own"),
        ("Ping", {"action": "Originate"}, "the link's own"),
        ("Ping", {"Channel": "x" * MAX_LINE_BYTES}, "bytes"),
        ("Ping", {"Variable": ["a=b"] * MAX_LINES}, "lines"),
    ],
)
def test_what_would_become_something_else_is_refused(
    name: str, fields: dict[str, str | list[str]], why: str
) -> None:
    with pytest.raises(FieldError, match=why):
        check_action(name, fields)


def test_what_is_harmless_passes() -> None:
    check_action("Originate", {"Channel": "Local/1@t", "Variable": ["A=你好, b", "B="], "Data": ""})
