"""Who plays the demo: a line and a seat that disturb neither an agent nor a citizen; and what they say."""

from __future__ import annotations

from dataclasses import replace

import pytest

from acd.rows import Agent, Call, Snapshot
from config import City, load
from config.paths import CHECKOUT
from config.schema.demo import Line
from cti.app.robots.casting import NoCast, cast
from cti.app.robots.conversation import agent_script, citizen_script, words
from desk.robot import parse_script

pytestmark = pytest.mark.unit

NOBODY: frozenset[str] = frozenset()


@pytest.fixture(scope="module")
def city() -> City:
    return load(CHECKOUT / "config" / "sample_city")


def hall(*agents: Agent, calls: tuple[Call, ...] = ()) -> Snapshot:
    return Snapshot((0, 0), agents, calls)


def agent(number: str, state: str, queue: str = "general") -> Agent:
    return Agent(number, state, seat=number, queues=(queue,))


def test_an_empty_hall_plays_on_12319_with_the_first_seat(city: City) -> None:
    chosen = cast(city, hall(), NOBODY)
    assert (chosen.number, chosen.hotline.id, chosen.agents[0], chosen.notes) == (
        "12319",
        "12319",
        "1001",
        (),
    )


def test_a_seat_that_somebody_sits_at_or_whose_telephone_is_there_is_left_alone(city: City) -> None:
    paused = hall(agent("1001", "not_ready"), agent("1003", "signed_out"))
    assert cast(city, paused, frozenset({"1002"})).agents[:2] == ("1003", "1004")


def test_a_seat_taken_by_an_agent_of_another_number_is_left_alone(city: City) -> None:
    elsewhere = hall(replace(agent("1005", "not_ready"), seat="1001"))
    assert cast(city, elsewhere, NOBODY).agents[0] == "1002"
    assert "1005" not in cast(city, elsewhere, NOBODY).agents


def test_where_real_agents_are_ready_the_call_takes_a_rehearsal_line_and_says_so(city: City) -> None:
    chosen = cast(city, hall(agent("1002", "ready")), NOBODY)
    assert chosen.hotline.id.startswith("rehearsal")
    assert chosen.agents[0].startswith("19")
    assert "agent 1002 is ready on queue general" in chosen.notes[0]


def test_where_citizens_wait_the_call_takes_a_rehearsal_line_too(city: City) -> None:
    waiting = hall(
        calls=(Call("n1-1.1", "waiting", queue="general"), Call("n1-1.2", "ended", queue="general"))
    )
    assert cast(city, waiting, NOBODY).hotline.id.startswith("rehearsal")


def test_a_rehearsal_line_that_a_scenario_uses_is_passed_over(city: City) -> None:
    first = cast(city, hall(agent("1002", "ready")), NOBODY)
    used = hall(agent("1002", "ready"), agent("1901", "ready", first.hotline.queue))
    assert cast(city, used, NOBODY).hotline.queue != first.hotline.queue


def test_with_every_line_in_use_the_demo_says_how_to_play_all_the_same(city: City) -> None:
    everywhere = hall(*(replace(agent("1002", "ready"), queues=(queue.id,)) for queue in city.queues))
    with pytest.raises(NoCast, match="yht demo 12319"):
        cast(city, everywhere, NOBODY)


def test_a_number_that_was_asked_for_is_dialed_with_a_warning(city: City) -> None:
    chosen = cast(city, hall(agent("1002", "ready")), NOBODY, "12345")
    assert chosen.number == "12345"
    assert "may ring a real agent" in chosen.notes[0]


def test_an_unknown_number_and_a_full_hall_are_told(city: City) -> None:
    with pytest.raises(NoCast, match="has the number 999"):
        cast(city, hall(), NOBODY, "999")
    full = hall(*(agent(seat.ext, "not_ready") for seat in city.seats))
    with pytest.raises(NoCast, match="is in use"):
        cast(city, full, NOBODY)


def test_both_scripts_are_right_and_hold_every_line_once_in_its_order(city: City) -> None:
    at_seat = parse_script(agent_script(city.demo, "1001"))
    calling = parse_script(citizen_script(city.demo, "12319", "greeting_12319", "13800001234"))
    said = [f"demo_{line.id}" for line in city.demo]
    assert list(at_seat.clips) == [clip for clip in said if clip.startswith("demo_a")]
    assert list(calling.clips) == ["greeting_12319", *(clip for clip in said if clip.startswith("demo_c"))]
    assert set(words(city.demo)) == set(said)
    turns = [[str(step).split()[0] for step in script.steps] for script in (at_seat, calling)]
    assert [verbs.count("say") for verbs in turns] == [5, 4]
    assert [verbs.count("hear") for verbs in turns] == [4, 5]


@pytest.mark.parametrize("order", ["a", "c", "ac", "ca", "aac", "acc", "caac", "acaca"])
def test_whoever_begins_and_ends_a_conversation_nobody_listens_after_the_last_word(order: str) -> None:
    lines = [
        Line(id=f"l{at}", speaker="agent" if who == "a" else "citizen", text="好的。")
        for at, who in enumerate(order)
    ]
    at_seat = [str(step).split()[0] for step in parse_script(agent_script(lines, "1001")).steps]
    calling = [str(step).split()[0] for step in parse_script(citizen_script(lines, "1", "g", "138")).steps]
    talk = [[verb for verb in verbs if verb in ("say", "hear")] for verbs in (at_seat, calling[4:])]
    turns = "".join(who for at, who in enumerate(order) if at == 0 or order[at - 1] != who)
    assert talk[0] == ["say" if who == "a" else "hear" for who in turns]
    heard = turns[:-1] if turns.endswith("a") else turns
    assert talk[1] == ["say" if who == "c" else "hear" for who in heard]
    assert at_seat[-2:] == ["hang_up", "sign_out"]
    assert calling[-1] == "ended"
