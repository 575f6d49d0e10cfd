"""What Asterisk says over AGI means the same however it is cut, and what is not AGI is refused."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from twisted.internet.testing import StringTransport
from twisted.protocols.basic import LineOnlyReceiver

from ivr.agi.codec import (
    MAX_ENVIRONMENT_BYTES,
    MAX_ENVIRONMENT_LINES,
    MAX_LINE_BYTES,
    MAX_USAGE_LINES,
    TRANSITIONS,
    AgiReply,
    AgiRequest,
    Codec,
    Event,
    Hangup,
    Kind,
    State,
    reply,
)
from ivr.agi.errors import CommandError, PeerError

pytestmark = pytest.mark.unit

CORPUS = Path(__file__).parent / "agi_corpus"
"""Bytes captured from Asterisk 22.10.1; each file is all that it sent in one session."""

ENVIRONMENT = (b"agi_network: yes", b"agi_network_script: route", b"agi_request: agi://127.0.0.1/route", b"")


class Reader(LineOnlyReceiver):
    """Frames as the server does and asks a next question whenever one was answered."""

    delimiter = b"\n"
    MAX_LENGTH = MAX_LINE_BYTES

    def __init__(self) -> None:
        self.codec = Codec()
        self.events: list[Event] = []

    def lineReceived(self, line: bytes) -> None:  # noqa: N802
        if self.codec.state is State.IDLE and line != b"HANGUP":
            self.codec.send("NOOP")
        event = self.codec.receive(line)
        if event is not None:
            self.events.append(event)


def read(chunks: Sequence[bytes]) -> list[Event]:
    reader = Reader()
    reader.makeConnection(StringTransport())
    for chunk in chunks:
        reader.dataReceived(chunk)
    return reader.events


def started() -> Codec:
    codec = Codec()
    take_all(codec, ENVIRONMENT)
    return codec


def asked() -> Codec:
    codec = started()
    codec.send("NOOP")
    return codec


def take_all(codec: Codec, lines: Iterable[bytes]) -> None:
    for line in lines:
        codec.receive(line)


def captured(name: str) -> list[Event]:
    return read([(CORPUS / f"{name}.bin").read_bytes()])


def test_the_environment_tells_the_path_the_query_and_the_arguments() -> None:
    [request] = captured("environment_only")
    assert isinstance(request, AgiRequest)
    assert request.path == "/early"
    assert request.query == {"queue": "你", "x": "a b"}
    assert request.arguments == ("one two", "q,3")
    assert request.get("callerid") == "13800138000"
    assert request.get("calleridname") == '王 "x"'
    assert request.get("accountcode", "none") == ""
    assert request.get("no_such", "none") == "none"


def test_every_kind_of_reply_is_read() -> None:
    _, *replies = captured("every_reply")
    seen = [(r.code, r.result, r.data, dict(r.attributes)) for r in replies if isinstance(r, AgiReply)]
    assert (200, "0", None, {}) in seen
    assert (200, "1", 'a) endpos=3 "q" \\ ,x', {}) in seen
    assert (200, "0", None, {"endpos": "2400"}) in seen
    assert (200, "", "timeout", {}) in seen
    assert (200, "0", "timeout", {"endpos": "0"}) in seen
    assert (200, "-2", None, {}) in seen
    assert [r.text for r in replies if isinstance(r, AgiReply) and r.code == 510] == [
        "Invalid or unknown command"
    ] * 2
    [usage] = [r.text for r in replies if isinstance(r, AgiReply) and r.code == 520]
    assert usage.split("\n")[1] == "Sets a variable to the current channel."


def test_a_hangup_in_a_playback_is_its_reply_then_the_hangup_then_a_dead_channel() -> None:
    _, _, playback, hangup, *dead = captured("hangup_in_a_playback")
    assert playback == AgiReply(200, "result=-1", "-1")
    assert hangup == Hangup()
    assert [r.code for r in dead if isinstance(r, AgiReply)] == [200, 511, 200, 200, 200]


def test_a_hangup_may_come_while_nothing_was_asked() -> None:
    _, _, hangup, *dead = captured("hangup_between_commands")
    assert hangup == Hangup()
    assert [r.code for r in dead if isinstance(r, AgiReply)] == [511, 511]


def test_a_redirect_ends_the_session_like_a_hangup() -> None:
    assert Hangup() in captured("redirect_takes_the_channel")


@given(st.sampled_from(sorted(CORPUS.glob("*.bin"))), st.data())
def test_the_bytes_mean_the_same_however_they_are_cut(path: Path, data: st.DataObject) -> None:
    whole = path.read_bytes()
    cuts = sorted(data.draw(st.sets(st.integers(1, len(whole) - 1), max_size=30)))
    pieces = [whole[a:b] for a, b in zip([0, *cuts], [*cuts, len(whole)], strict=True)]
    assert read(pieces) == read([whole])


@given(st.text(st.characters(exclude_characters="\r\n", exclude_categories=["Cs"])))
def test_any_value_in_brackets_comes_back_whole(value: str) -> None:
    assert reply(f"200 result=1 ({value})").data == value


def test_a_100_line_is_no_answer() -> None:
    codec = asked()
    assert codec.receive(b"100 result=0 Trying...") is None
    assert codec.receive(b"200 result=0\r") == AgiReply(200, "result=0", "0")


def test_a_hangup_inside_a_usage_is_seen() -> None:
    codec = asked()
    assert codec.receive(b"520-Invalid command syntax.") is None
    assert codec.receive(b"HANGUP") == Hangup()
    assert codec.receive(b"Usage: x") is None
    final = codec.receive(b"520 End of proper usage.")
    assert final == AgiReply(520, "Invalid command syntax.\nUsage: x\n520 End of proper usage.")
    assert codec.hung_up


def test_one_command_at_a_time() -> None:
    codec = asked()
    with pytest.raises(CommandError, match="waiting"):
        codec.send("NOOP")
    with pytest.raises(CommandError, match="environment"):
        Codec().send("NOOP")


def test_a_refused_command_leaves_the_codec_ready() -> None:
    codec = started()
    with pytest.raises(CommandError):
        codec.send("GET VARIABLE", "a\nb")
    assert codec.send("GET VARIABLE", "a") == b'GET VARIABLE "a"\n'


@pytest.mark.parametrize(
    "line",
    [
        b"GET / HTTP/1.1",
        b"INVITE sip:12345@x SIP/2.0",
        b"\x16\x03\x01\x02\x00\x01",
        b"",
        b"agi_request: agi://x",
        b"\xff\xfe",
        b"200 result=0",
    ],
)
def test_what_does_not_begin_like_fastagi_is_refused(line: bytes) -> None:
    with pytest.raises(PeerError):
        Codec().receive(line)


@pytest.mark.parametrize(
    "line",
    [b"", b"hello", b"20 result=0", b"2000 result=0", b"200 done", b"200 result=1 (x", b"\xb2\xb0\xb0 x"],
)
def test_an_answer_that_is_none_is_refused(line: bytes) -> None:
    codec = asked()
    with pytest.raises(PeerError):
        codec.receive(line)
    assert codec.state is State.WAITING


def test_an_answer_nobody_asked_for_is_refused_without_repeating_it() -> None:
    with pytest.raises(PeerError) as caught:
        started().receive(b"13800138000 wrote this")
    assert "138" not in str(caught.value)


def test_an_environment_needs_its_network_and_request() -> None:
    codec = Codec()
    codec.receive(b"agi_network: yes")
    with pytest.raises(PeerError, match="agi_request"):
        codec.receive(b"")


def test_nothing_grows_without_bound() -> None:
    codec = Codec()
    with pytest.raises(PeerError, match="line of more"):
        codec.receive(b"x" * (MAX_LINE_BYTES + 1))
    codec.receive(b"agi_network: yes")
    with pytest.raises(PeerError, match="no end"):
        take_all(codec, (b"agi_%d: x" % number for number in range(MAX_ENVIRONMENT_LINES + 1)))
    codec = Codec()
    codec.receive(b"agi_network: yes")
    with pytest.raises(PeerError, match="no end"):
        take_all(codec, [b"agi_a: " + b"x" * 8_000] * (MAX_ENVIRONMENT_BYTES // 8_000 + 1))
    codec = asked()
    codec.receive(b"520-x")
    with pytest.raises(PeerError, match="usage"):
        take_all(codec, [b"x"] * (MAX_USAGE_LINES + 1))


@given(st.lists(st.binary(max_size=60), max_size=20))
def test_no_bytes_at_all_raise_anything_but_a_refusal(lines: list[bytes]) -> None:
    for codec in (Codec(), started(), asked()):
        for line in lines:
            before = codec.state
            try:
                codec.receive(line)
            except PeerError:
                assert codec.state is before
                break


def test_every_state_has_a_way_on_and_every_kind_a_place() -> None:
    assert set(TRANSITIONS) == set(State)
    used = {kind for row in TRANSITIONS.values() for kind in row}
    assert used == set(Kind) - {Kind.JUNK}
