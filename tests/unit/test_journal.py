"""The journal of a real Asterisk, captured call by call, says what happened; no caller forges any of it."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cti.facts import Fact, check
from cti.journal.lines import FIELDS, MAX_RECORD, JournalError, cut, fields
from cti.journal.translate import pairs, translate

pytestmark = pytest.mark.unit

CORPUS = Path(__file__).parent / "journal_corpus"
FILES = sorted(CORPUS.glob("*.json"))
TEMPLATE = Path(__file__).parents[2] / "config" / "templates" / "asterisk" / "cel_custom.conf.j2"


def facts(name: str) -> list[Fact]:
    found = cut((CORPUS / f"{name}.json").read_bytes())
    assert not found.broken
    return [fact for record in found.records for fact in translate(record)]


def record(**changes: str) -> bytes:
    """One record as Asterisk writes it: nothing but quotes is escaped."""
    values = dict.fromkeys(FIELDS, "") | {
        "eventtype": "CHAN_START",
        "eventenum": "CHAN_START",
        "eventtime": "1795557369.014647",
        "num": "13800000000",
        "exten": "12345",
        "context": "from-trunk",
        "channame": "PJSIP/trunk-t1-00000000",
        "uniqueid": "n1-1795557369.0",
        "linkedid": "n1-1795557369.0",
    }
    escaped = {name: value.replace('"', '\\"') for name, value in (values | changes).items()}
    return ("{" + ",".join(f'"{name}":"{value}"' for name, value in escaped.items()) + "}").encode(
        "utf-8", "surrogateescape"
    )


def kinds(name: str) -> list[str]:
    return [fact.kind for fact in facts(name)]


# What Asterisk wrote


def test_the_template_asks_for_the_fields_that_are_read() -> None:
    line = next(line for line in TEMPLATE.read_text().splitlines() if line.startswith("fields"))
    assert tuple(name.strip().lower() for name in line.partition("=")[2].split(",")) == FIELDS


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_every_captured_byte_is_understood(file: Path) -> None:
    piece = file.read_bytes()
    found = cut(piece)
    assert (found.used, found.broken) == (len(piece), 0)
    told = [fact for record in found.records for fact in translate(record)]
    for fact in told:
        check(fact)
    assert len({fact.fact_id for fact in told}) == len(told)
    assert told == [fact for record in found.records for fact in translate(record)]


def test_an_answered_call_is_told_from_ring_to_hangup() -> None:
    assert kinds("answered") == [
        "call_arrived",
        "leg_started",
        "leg_answered",
        "hotline_resolved",
        "greeting_started",
        "queued",
        "recording_started",
        "leg_started",
        "leg_answered",
        "answered",
        "talk_started",
        "talk_ended",
        "offer_ended",
        "leg_ended",
        "leg_ended",
        "call_ended",
    ]
    told = {fact.kind: fact for fact in facts("answered")}
    assert {fact.call_id for fact in facts("answered")} == {"n1-1795557369.0"}
    assert {fact.node for fact in facts("answered")} == {"n1"}
    arrived = told["call_arrived"]
    assert arrived.at == 1795557369014647
    assert arrived.data == {
        "dialed_number": "12345",
        "caller_number": "13800000000",
        "channel": "PJSIP/trunk-t1-00000000",
    }
    assert told["answered"].leg == "n1-1795557369.1"
    assert told["answered"].data == {"offer": "o1", "agent": "1001", "seat": "1001"}
    assert told["offer_ended"].data["talked_ms"] == 2504
    assert told["queued"].data["queued_at"] == 1795557369816852
    assert told["talk_started"].data["seat"] == told["talk_ended"].data["seat"] == "1001"
    assert told["call_ended"].leg == ""


def test_only_the_citizens_channel_arrives() -> None:
    seats = [fact.data["seat"] for fact in facts("returned_then_answered") if fact.kind == "leg_started"]
    assert seats == ["", "1001", "1002"]
    assert kinds("returned_then_answered").count("call_arrived") == 1


def test_a_returned_call_says_why_it_is_back() -> None:
    told = [fact.data["returned"] for fact in facts("returned_then_answered") if fact.kind == "queued"]
    assert told == ["", "NOANSWER"]


def test_the_steps_of_the_fallback_are_told() -> None:
    told = [fact.data["step"] for fact in facts("callback") if fact.kind == "fallback_entered"]
    assert told == ["static_queue", "callback"]


def test_hostile_caller_ids_are_kept_as_harmless_text() -> None:
    numbers = [
        str(fact.data["caller_number"]) for fact in facts("hostile_caller_ids") if fact.kind == "call_arrived"
    ]
    assert numbers == ["9" * 79, "9" * 79, "138\ufffd\ufffd0", "anonymous", '{"a":1}', "138张"]
    dialed = [
        fact.data["dialed_number"] for fact in facts("hostile_caller_ids") if fact.kind == "call_arrived"
    ]
    assert dialed[4] == '12"\\'


# A piece cut anywhere


@given(st.data())
def test_records_are_the_same_wherever_the_file_is_cut(data: st.DataObject) -> None:
    whole = (CORPUS / data.draw(st.sampled_from([file.name for file in FILES]))).read_bytes()
    places = sorted(data.draw(st.lists(st.integers(0, len(whole)), max_size=6)))
    records: list[bytes] = []
    at = 0
    for end in (*places, len(whole)):
        found = cut(whole[at:end])
        assert not found.broken
        records += found.records
        at += found.used
    assert at == len(whole)
    assert tuple(records) == cut(whole).records


@given(st.binary(max_size=2000))
def test_any_bytes_are_cut_without_an_error_and_no_fact_is_made_of_rubbish(piece: bytes) -> None:
    found = cut(piece)
    assert 0 <= found.used <= len(piece)
    assert not found.records


@given(
    st.lists(
        st.sampled_from([b'{"eventtype":"', b'""}\n', b'}"}\n', b"\n", b"x", b'","dnid":"']), max_size=30
    )
)
def test_pieces_of_records_in_any_order_are_survived(parts: list[bytes]) -> None:
    found = cut(b"".join(parts))
    for piece in found.records:
        with pytest.raises(JournalError):
            translate(piece)


def test_a_half_written_record_waits_for_its_end() -> None:
    whole = record() + b"\n"
    for length in range(1, len(whole)):
        found = cut(record() + b"\n" + whole[:length])
        assert (len(found.records), found.broken) == (1, 0)
        assert found.used == len(whole)


def test_a_record_that_its_writer_never_finished_costs_only_itself() -> None:
    found = cut(record(num="1")[:70] + record(num="2") + b"\n")
    assert [fields(piece)["num"] for piece in found.records] == ["2"]
    assert found.broken == 1


def test_rubbish_between_records_is_counted_and_skipped() -> None:
    found = cut(b"core dumped\n\x00\x00\n" + record() + b"\n\n\n" + record() + b"\n" + b"x" * MAX_RECORD * 2)
    assert (len(found.records), found.broken) == (2, 2)


def test_an_endless_record_is_given_up() -> None:
    endless = b'{"eventtype":"' + b"x" * (MAX_RECORD + 1)
    assert cut(endless).broken == 1
    assert cut(endless).used == len(endless)


# What a caller may send


_hostile = st.text(
    st.sampled_from(['"', "\\", "\n", "\r", ",", ":", "{", "}", "|", "=", "\0", "a", "张", "\udcff"])
    | st.characters(exclude_categories=["Cs"]),
    max_size=60,
) | st.sampled_from([record().decode(), '","dnid":"112","exten":"', '""}\n{"eventtype":"', "\\", '"'])


@given(num=_hostile, exten=_hostile, dnid=_hostile)
def test_no_caller_can_forge_or_break_a_record(num: str, exten: str, dnid: str) -> None:
    told = record(num=num, exten=exten, dnid=dnid)
    found = cut(told + b"\n" + record() + b"\n")
    assert (found.records, found.broken) == ((told, record()), 0)
    readable = str.maketrans({"\udcff": "\ufffd"})
    values = fields(told)
    assert [values["num"], values["exten"], values["dnid"]] == [
        text.translate(readable) for text in (num, exten, dnid)
    ]
    [arrived, _] = translate(told)
    for name in ("caller_number", "dialed_number"):
        kept = str(arrived.data[name])
        assert len(kept) <= 80
        assert all(letter.isprintable() for letter in kept)


@given(st.lists(st.tuples(_hostile, st.integers(0, 99)), min_size=2, max_size=6, unique=True))
def test_two_records_that_differ_make_two_ids(told: list[tuple[str, int]]) -> None:
    records = {record(num=num, peer=str(number)) for num, number in told}
    assert len({translate(piece)[0].fact_id for piece in records}) == len(records)


@pytest.mark.parametrize(
    "changes",
    [
        {"uniqueid": ""},
        {"uniqueid": "../../etc"},
        {"linkedid": "n1-1.2'"},
        {"eventtime": "yesterday"},
        {"eventtime": "1795557369.01"},
        {"eventenum": "HANGUP", "eventextra": "{"},
        {"eventenum": "HANGUP", "eventextra": "[1]"},
        {"eventenum": "USER_DEFINED", "userdeftype": "yht_queued", "eventextra": "{}"},
        {
            "eventenum": "USER_DEFINED",
            "userdeftype": "yht_queued",
            "eventextra": '{"extra":"queue=q|priority=high|queued_at=1|returned="}',
        },
        {"eventenum": "USER_DEFINED", "userdeftype": "yht_queued", "eventextra": '{"extra":"queue=q"}'},
    ],
)
def test_a_record_that_lacks_what_it_must_say_is_refused_without_quoting_it(changes: dict[str, str]) -> None:
    with pytest.raises(JournalError) as refused:
        translate(record(**{"num": "13812345678", **changes}))
    assert "13812345678" not in str(refused.value)


@pytest.mark.parametrize(
    "changes",
    [
        {"eventenum": "APP_START"},
        {"eventenum": "USER_DEFINED", "userdeftype": "city_own"},
        {"eventenum": "USER_DEFINED", "userdeftype": "yht_of_tomorrow"},
        {"eventenum": "USER_DEFINED", "userdeftype": "yht_call_ended"},
        {"eventenum": "BRIDGE_ENTER", "peer": ""},
    ],
)
def test_events_that_say_nothing_make_no_fact(changes: dict[str, str]) -> None:
    assert translate(record(**changes)) == ()


@pytest.mark.parametrize("channel", ["PJSIP/1001-00000001", "Local/s@somewhere-00000001;1"])
def test_a_channel_that_came_in_by_no_trunk_is_no_citizens_call(channel: str) -> None:
    assert [fact.kind for fact in translate(record(channame=channel))] == ["leg_started"]


# What the dialplan tells


@pytest.mark.parametrize(
    ("payload", "told"),
    [
        ("queue=q|reason=ok", {"queue": "q", "reason": "ok"}),
        ("queue=|reason=", {"queue": "", "reason": ""}),
        ("queue=q|reason=a=b|c|d=e", {"queue": "q", "reason": "a=b|c|d=e"}),
        ("queue=q|reason=a|queue=forged", {"queue": "q", "reason": "a|queue=forged"}),
        ("rubbish", {}),
    ],
)
def test_a_value_may_hold_what_separates_pairs(payload: str, told: dict[str, str]) -> None:
    assert pairs(payload, frozenset({"queue", "reason"})) == told
