"""The case loop: walks never leave the table, no case bounces for ever, and a history replays to the same case."""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from caselink import draw, loop
from caselink.casefile import Case, advance, replay
from caselink.guards import Rules, take
from caselink.steps import KEYS, Step, StepError
from cti.facts import Value
from tests.unit.case_walks import HOUR, RULES, START, possible

pytestmark = pytest.mark.unit

DOCS = Path(__file__).parents[2] / "docs"
SOON = START + 24 * HOUR
LIMITS: dict[str, Value] = {
    f"{stage}_by": SOON for stage in ("dispatch", "acknowledge", "reply", "review", "follow_up")
}


def step(action: str, by: str = "centre:1001", at: int = START, **data: Value) -> Step:
    role, _, actor = by.partition(":")
    way = next((way for (_, name), way in loop.TRANSITIONS.items() if name == action), None)
    for stage in way.limits if way else ():
        data.setdefault(f"{stage}_by", at + 24 * HOUR)
    return Step(action, role, actor, at, data)  # type: ignore[arg-type]


def told(*steps_: Step, case: Case | None = None, rules: Rules = RULES) -> Case:
    case = case or advance(Case(), Step("open", "system", "", START))
    for one in steps_:
        case = take(case, one, rules)
    return case


REGISTER = step("register", "agent:1001", request_type="complaint", urgency="normal", text="路灯坏了")
DISPATCH = step("dispatch", unit="a", co_units="b")
TO_REPLY = (
    REGISTER,
    DISPATCH,
    step("acknowledge", "unit:a"),
    step("contact_citizen", "unit:a", text="已联系市民"),
    step("reply", "unit:a", result="已修复", evidence="照片三张"),
)


def walk(picks: Iterator[int], length: int, rules: Rules = RULES) -> list[tuple[Step, Case]]:
    case = advance(Case(), Step("open", "system", "", START))
    done: list[tuple[Step, Case]] = [(Step("open", "system", "", START), case)]
    for number in range(length):
        ways = possible(case, START + (number + 1) * HOUR, picks, rules)
        taken, case = ways[next(picks) % len(ways)]
        done.append((taken, case))
    return done


walks = st.integers(0, 2**32).map(lambda seed: walk(iter_of(seed), 120))


def iter_of(seed: int) -> Iterator[int]:
    chance = random.Random(seed)
    return iter(lambda: chance.randrange(1 << 16), -1)


@settings(max_examples=150, deadline=None)
@given(walks)
def test_a_walk_never_leaves_the_table_and_never_has_nowhere_to_go(done: list[tuple[Step, Case]]) -> None:
    for (_, before), (taken, after) in itertools.pairwise(done):
        assert loop.TRANSITIONS[before.state, taken.action].to == after.state
        assert after.version == before.version + (taken.action not in loop.OF_THE_CALL)
        for limit in after.limits:
            assert limit.ended_at is not None or after.state in loop.RUNS_IN[limit.stage]
        if after.state in loop.OPEN:
            assert [limit for limit in after.limits if limit.ended_at is None] or after.state in (
                "follow_up",
            )


@settings(max_examples=150, deadline=None)
@given(walks)
def test_no_case_bounces_for_ever(done: list[tuple[Step, Case]]) -> None:
    last = done[-1][1]
    taken = [one.action for one, _ in done]
    assert last.returns <= RULES.most_returns + 1
    # To the fallback unit and out of a unit that is no more it may go beyond.
    assert last.reassigns <= RULES.most_reassigns + 1
    assert last.reworks <= RULES.most_reworks
    assert taken.count("rule") + taken.count("assign_fallback") <= 1
    for unit in {str(one.data["unit"]) for one, _ in done if one.action == "redispatch"}:
        returned = [
            place
            for place, (one, _) in enumerate(done)
            if one.action == "request_return" and one.actor == unit
        ]
        again = [
            place
            for place, (one, _) in enumerate(done)
            if one.action == "redispatch" and one.data["unit"] == unit
        ]
        assert not returned or all(place < returned[0] for place in again)


@settings(max_examples=60, deadline=None)
@given(walks)
def test_a_history_replays_to_the_same_case(done: list[tuple[Step, Case]]) -> None:
    assert replay(one for one, _ in done) == done[-1][1]


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32))
def test_who_only_returns_is_bound_in_the_end(seed: int) -> None:
    """Every unit returns as often as it can, the centre sends it on as often as it can."""
    chance = random.Random(seed)
    case = told(REGISTER, step("dispatch", unit="a"))
    for _ in range(20):
        if case.state == "dispatched":
            try:
                case = take(case, step("request_return", f"unit:{case.unit}", reason="不属于本单位"), RULES)
            except StepError:
                break
        else:
            units = [unit for unit in "abcde" if unit not in case.returned_by]
            ways = [step("redispatch", unit=chance.choice(units))] if units else []
            ways += [
                step("refuse_return", reason="属于"),
                step("assign_fallback", unit="fallback", reason="兜底"),
            ]
            for one in ways[: 1 if chance.random() < 0.7 else None]:
                try:
                    case = take(case, one, RULES)
                    break
                except StepError:
                    continue
            else:
                case = told(
                    step("arbitrate", reason="推诿"),
                    step("rule", "supervisor:1", unit="b", reason="职责清单"),
                    case=case,
                )
    assert case.is_binding
    assert case.state == "dispatched"


@pytest.mark.parametrize("state", loop.STATES)
@pytest.mark.parametrize("action", loop.ACTIONS)
def test_a_missing_key_is_an_error_that_says_what_is_possible(state: loop.State, action: loop.Action) -> None:
    if (state, action) in loop.TRANSITIONS:
        return
    with pytest.raises(loop.TransitionError, match="possible: ") as refused:
        take(Case(state=state), step(action), RULES)
    assert "\n" not in str(refused.value)
    assert f"{action!r}" in str(refused.value)


def test_every_state_is_reached_and_every_open_one_leads_on() -> None:
    reached = {way.to for way in loop.TRANSITIONS.values()}
    assert reached == set(loop.STATES) - {""}
    for state in loop.STATES:
        onward = {way.to for (of, _), way in loop.TRANSITIONS.items() if of == state} - {state}
        assert onward or state == "published"


def test_every_key_of_the_table_is_known() -> None:
    for way in loop.TRANSITIONS.values():
        assert set(way.needs) | set(way.may) | {f"{stage}_by" for stage in way.limits} <= set(KEYS)
        assert way.roles <= set(loop.ROLES)


def test_the_whole_way_of_a_good_case() -> None:
    case = told(
        *TO_REPLY,
        step("review"),
        step("follow_up", "agent:1002", reached=True, contacted=True, solved=True, satisfied=True),
        step("close", rule="followed_up"),
        step("publish", text="路灯已修复"),
    )
    assert (case.state, case.unit, case.co_units, case.satisfied) == ("published", "a", ("b",), True)
    assert {limit.stage: limit.ended for limit in case.limits} == dict.fromkeys(
        ("dispatch", "acknowledge", "reply", "review", "follow_up"), "done"
    )


def test_a_step_without_its_data_or_by_another_is_refused_in_one_line() -> None:
    case = told(REGISTER, DISPATCH)
    for wrong, words in (
        (step("request_return", "unit:a"), "needs 'reason'"),
        (step("request_return", "unit:b", reason="x"), "the lead unit is a"),
        (step("acknowledge", "agent:1001"), "done by unit"),
        (step("contribute", "co_unit:c", text="x"), "co-units: b"),
        (Step("reassign", "centre", "1", START, {"unit": "c", "reason": "r"}), "needs 'acknowledge_by'"),
        (step("reassign", unit="c", reason="r", reply_by=START - 1), "is over already"),
        (step("reassign", unit="zz", reason="r"), "no unit 'zz'"),
        (step("reassign", unit="c", co_units="c", reason="r"), "can not be a co-unit too"),
        (step("reassign", unit="c", reason="r" * 6000), "'reason' is wrong"),
        (step("reassign", unit="c", reason="r\x00"), "'reason' is wrong"),
        (step("acknowledge", "unit:a", satisfied=True), "takes no 'satisfied'"),
    ):
        with pytest.raises(StepError, match=words) as refused:
            take(case, wrong, RULES)
        assert "\n" not in str(refused.value)


def test_closing_needs_a_follow_up_or_the_rule_that_says_why_not() -> None:
    reviewed = told(*TO_REPLY, step("review"))
    missed = step("follow_up", "agent:1", reached=False)
    for case, rule, words in (
        (reviewed, "followed_up", "follow up first"),
        (told(missed, case=reviewed), "not_reached", "needs 3 follow-ups"),
        (reviewed, "direct_answer", "is for cases that are direct_answer"),
        (reviewed, "no_contact", "say the reason"),
        (told(step("rate", "citizen:", solved=False, satisfied=True), case=reviewed), "rated", "own rating"),
    ):
        with pytest.raises(StepError, match=words):
            take(case, step("close", rule=rule), RULES)
    for case, rule in (
        (told(missed, missed, missed, case=reviewed), "not_reached"),
        (told(step("rate", "citizen:", solved=True, satisfied=True), case=reviewed), "rated"),
        (told(step("answer_directly", request_type="inquiry", text="q", result="a")), "direct_answer"),
        (told(step("reject", ground="out_of_scope")), "rejected"),
    ):
        assert told(step("close", rule=rule), case=case).state == "closed"
    with pytest.raises(StepError, match="tried 3 times"):
        told(missed, missed, missed, missed, case=reviewed)


def test_an_extension_moves_the_limit_and_is_granted_once() -> None:
    case = told(REGISTER, DISPATCH, step("acknowledge", "unit:a"))
    with pytest.raises(StepError, match="not later"):
        told(step("request_extension", "unit:a", reason="配件", until=START + HOUR), case=case)
    until = START + 100 * HOUR
    case = told(
        step("request_extension", "unit:a", reason="配件", until=until),
        step("grant_extension", until=until),
        case=case,
    )
    reply = case.running("reply")
    assert reply is not None
    assert (case.state, reply.due_at, reply.is_extended) == ("in_progress", until, True)
    with pytest.raises(StepError, match="no more than 1"):
        told(step("request_extension", "unit:a", reason="再延", until=until + HOUR), case=case)


def test_a_case_of_a_unit_that_is_dissolved_can_always_be_reassigned() -> None:
    rules = Rules(units=RULES.units - {"a"}, fallback_unit="fallback", most_reassigns=0)
    case = told(REGISTER, DISPATCH)
    assert told(step("reassign", unit="c", reason="机构撤销"), case=case, rules=rules).unit == "c"
    with pytest.raises(StepError, match="only the fallback unit is left"):
        told(
            step("reassign", unit="d", reason="x"),
            case=told(REGISTER, DISPATCH),
            rules=Rules(units=RULES.units, fallback_unit="fallback", most_reassigns=0),
        )


def test_a_co_unit_that_comes_to_lead_is_no_co_unit_any_more() -> None:
    case = told(REGISTER, DISPATCH, step("reassign", unit="b", reason="r"))
    assert (case.unit, case.co_units) == ("b", ())


def test_an_answer_that_becomes_known_late_changes_nothing() -> None:
    case = told(*TO_REPLY)
    assert advance(case, Step("answer", "system", "1002", START)) == case


def test_the_documents_are_what_the_table_says() -> None:
    told_ = (DOCS / "case-loop.md").read_text(encoding="utf-8")
    assert (DOCS / "case-loop.svg").read_text(encoding="utf-8") == draw.svg(), "yht case draw docs"
    assert draw.markdown() in told_, "yht case draw docs"


_values = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**70), 2**70),
    st.text(max_size=20),
    st.sampled_from(
        ["a", "yes", "normal", "complaint", "followed_up", "b,c", "x" * 6000, "<script>", "\x00"]
    ),
)


@settings(max_examples=400, deadline=None)
@given(
    st.sampled_from(loop.STATES),
    st.sampled_from(loop.ACTIONS),
    st.sampled_from(loop.ROLES),
    st.text(max_size=100),
    st.dictionaries(st.sampled_from([*KEYS, "stranger", ""]), _values, max_size=8),
)
def test_whatever_is_told_a_step_is_taken_or_refused_in_one_line(
    state: loop.State, action: loop.Action, role: loop.Role, actor: str, data: dict[str, Value]
) -> None:
    case = Case(state=state, unit="a", co_units=("b",))
    refusal = ""
    try:
        after = take(case, Step(action, role, actor, START, data), RULES)
    except (StepError, loop.TransitionError) as refused:
        refusal = str(refused)
    if refusal:
        assert "\n" not in refusal
    else:
        assert loop.TRANSITIONS[state, action].to == after.state
