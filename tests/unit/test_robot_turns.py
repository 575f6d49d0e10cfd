"""Turn taking: a robot's script against the time and what happens."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from desk.robot.happenings import (
    Action,
    CallChanged,
    Commanded,
    Cued,
    Do,
    Finish,
    Happening,
    LineUp,
    Recognised,
    SaidAll,
    Started,
    Voice,
    Woke,
)
from desk.robot.script import Script, parse_script
from desk.robot.steps import Answer, Dial, HangUp, Hear, Press, Ready, Say, SignIn, WrapUp
from desk.robot.turns import Play, advance

pytestmark = pytest.mark.unit

RINGING, UP = CallChanged("ringing"), CallChanged("up")
OVER = CallChanged("over", "200 OK")


def citizen(*steps: str) -> Script:
    return parse_script("actor: citizen\nsteps:\n" + "".join(f"  - {step}\n" for step in steps))


def agent(*steps: str) -> Script:
    return parse_script('actor: agent\nagent: "1001"\nsteps:\n' + "".join(f"  - {step}\n" for step in steps))


class Stage:
    """Plays a script on a clock that the test turns; `Woke` is told whenever it is due."""

    def __init__(self, script: Script) -> None:
        self.play = Play(script)
        self.done: list[tuple[float, Action]] = []
        self._tell(Started(), 0.0)

    def _tell(self, happening: Happening, now: float) -> None:
        self.play, actions = advance(self.play, happening, now)
        self.done.extend((now, action) for action in actions)

    def until(self, now: float) -> Stage:
        while self.play.wake_at <= now:
            at = self.play.wake_at
            self._tell(Woke(), at)
            assert self.play.over or self.play.wake_at > at, "asked to be woken in the past"
        return self

    def at(self, now: float, *happenings: Happening) -> Stage:
        self.until(now)
        for happening in happenings:
            self._tell(happening, now)
        return self

    @property
    def deeds(self) -> list[type]:
        return [type(action.step) for _, action in self.done if isinstance(action, Do)]

    @property
    def end(self) -> tuple[float, str] | None:
        return next(((at, action.failure) for at, action in self.done if isinstance(action, Finish)), None)

    def when(self, step: type) -> float:
        return next(
            at for at, action in self.done if isinstance(action, Do) and isinstance(action.step, step)
        )


def test_a_citizen_speaks_when_the_other_has_finished_and_not_in_a_gap_between_two_words() -> None:
    stage = Stage(citizen("dial: '12319'", "answered", "hear: turn", "say: c1", "hang_up"))
    stage.at(0.5, RINGING).at(1.0, UP).at(2.0, Voice(True)).at(3.0, Voice(False)).at(3.4, Voice(True))
    stage.at(5.0, Voice(False)).until(5.69)
    assert stage.deeds == [Dial, Hear]
    stage.until(6.0)
    assert stage.when(Say) == pytest.approx(5.7)
    stage.at(8.0, SaidAll()).at(8.1, OVER)
    assert stage.end == (8.1, "")


def test_an_answer_is_not_taken_for_what_was_said_before_ones_own_words() -> None:
    stage = Stage(citizen("dial: '1'", "hear: turn", "say: c1", "hear: turn", "hang_up"))
    stage.at(1.0, UP, Voice(True)).at(2.0, Voice(False)).at(3.0).at(4.0, SaidAll()).until(10.0)
    assert HangUp not in stage.deeds
    stage.at(10.0, Voice(True)).at(12.0, Voice(False)).until(13.0)
    assert stage.when(HangUp) == pytest.approx(12.7)


def test_a_short_answer_before_ones_own_last_word_counts() -> None:
    stage = Stage(citizen("dial: '1'", "say: c1", "hear: turn", "hang_up"))
    stage.at(1.0, UP).at(2.0, Voice(True)).at(2.4, Voice(False)).at(4.0, SaidAll())
    assert stage.deeds[-1] is HangUp


def test_music_that_ends_with_a_sign_is_no_turn() -> None:
    stage = Stage(citizen("dial: '1'", "cue: answered", "hear: turn", "hang_up"))
    stage.at(1.0, UP, Voice(True)).at(20.0, Cued("answered")).at(20.2, Voice(False)).until(25.0)
    assert HangUp not in stage.deeds
    stage.at(25.0, Voice(True)).at(27.0, Voice(False)).until(28.0)
    assert HangUp in stage.deeds


def test_a_sign_given_early_is_not_lost() -> None:
    stage = Stage(citizen("dial: '1'", "answered", "cue: go", "hang_up"))
    stage.at(0.5, Cued("go")).at(1.0, UP)
    assert stage.deeds == [Dial, HangUp]


def test_silence_counts_from_where_the_robot_begins_to_listen() -> None:
    stage = Stage(citizen("dial: '1'", "answered", "wait: 5", "{hear: silence, pause: 2}", "hang_up"))
    stage.at(1.0, UP).until(7.9)
    assert HangUp not in stage.deeds
    assert stage.until(8.0).when(HangUp) == 8.0


def test_a_clip_counts_when_it_is_recognised_whatever_else_is_heard() -> None:
    stage = Stage(citizen("dial: '1'", "{hear: greeting, within: 9}", "hang_up"))
    stage.at(1.0, UP, Voice(True)).at(3.0, Voice(False)).until(6.0)
    assert HangUp not in stage.deeds
    assert stage.at(6.5, Recognised()).when(HangUp) == 6.5


def test_the_end_of_a_clip_that_was_heard_is_no_turn_of_its_own() -> None:
    stage = Stage(citizen("dial: '1'", "hear: greeting", "say: c1", "hear: turn", "hang_up"))
    stage.at(1.0, UP, Voice(True)).at(3.0, Recognised()).at(3.2, Voice(False)).at(5.0, SaidAll()).until(20.0)
    assert HangUp not in stage.deeds
    assert stage.at(20.0, Voice(True)).at(21.0, Voice(False)).until(22.0).when(HangUp) == pytest.approx(21.7)


def test_keys_take_their_time() -> None:
    stage = Stage(citizen("dial: '1'", "answered", "press: '12#'", "hang_up")).at(1.0, UP).until(5.0)
    assert (stage.when(Press), stage.when(HangUp)) == (1.0, pytest.approx(2.2))


def test_an_agent_signs_in_when_the_telephone_is_registered_and_answers_after_a_while() -> None:
    stage = Stage(agent("sign_in", "ready", "ring", "answer: 1.5", "hang_up", "wrap_up: 3", "sign_out"))
    assert stage.deeds == []
    stage.at(0.2, LineUp()).at(0.3, Commanded()).at(0.4, Commanded()).at(9.0, RINGING).until(10.6)
    assert (stage.when(SignIn), stage.when(Ready), stage.when(Answer)) == (0.2, 0.3, 10.5)
    stage.at(10.6, UP).at(10.7, OVER).until(14.0)
    assert stage.when(WrapUp) == pytest.approx(13.7)
    stage.at(14.1, Commanded()).at(14.2, Commanded())
    assert stage.end == (14.2, "")


def test_a_seat_that_is_not_let_in_is_told_with_the_registrars_words() -> None:
    stage = Stage(agent("sign_in")).at(0.2, LineUp("401 Unauthorized"))
    assert stage.end == (0.2, "step 1 (sign_in): the seat's telephone is not let in: 401 Unauthorized")


def test_a_refused_command_ends_the_script_with_the_platforms_reason() -> None:
    stage = Stage(agent("sign_in")).at(0.2, LineUp()).at(0.3, Commanded("seat 1001 is taken by agent 1002"))
    assert stage.end == (0.3, "step 1 (sign_in): seat 1001 is taken by agent 1002")


def test_a_hangup_in_the_middle_of_a_step_is_told() -> None:
    stage = Stage(citizen("dial: '1'", "answered", "say: c1", "hang_up")).at(1.0, UP).at(2.0, OVER)
    assert stage.end == (2.0, "step 3 (say c1): the other side ended the call (200 OK)")


def test_a_busy_number_is_told() -> None:
    stage = Stage(citizen("dial: '1'", "answered")).at(1.0, CallChanged("over", "486 Busy Here"))
    assert stage.end == (1.0, "step 2 (answered 15): the other side ended the call (486 Busy Here)")


def test_to_hang_up_a_call_that_the_other_side_ended_is_not_as_written() -> None:
    stage = Stage(citizen("dial: '1'", "answered", "wait: 5", "hang_up")).at(1.0, UP).at(3.0, OVER).until(7.0)
    assert stage.end == (6.0, "step 4 (hang_up): the other side ended the call (200 OK)")


def test_a_hangup_while_waiting_is_what_the_next_step_waits_for() -> None:
    stage = Stage(citizen("dial: '1'", "answered", "wait: 5", "ended")).at(1.0, UP).at(3.0, OVER).until(7.0)
    assert stage.end == (6.0, "")


def test_a_second_call_may_follow_the_first() -> None:
    stage = Stage(citizen("dial: '1'", "answered", "ended", "dial: '2'", "answered", "hang_up"))
    stage.at(1.0, UP).at(2.0, OVER).at(3.0, RINGING).at(4.0, UP).at(4.1, OVER)
    assert stage.end == (4.1, "")


@pytest.mark.parametrize(
    ("steps", "at", "told"),
    [
        (
            ("dial: '1'", "answered: 4"),
            4.0,
            "step 2 (answered 4): not within 4 s: no answer to the call at all",
        ),
        (("dial: '1'", "{hear: turn, within: 3}"), 3.0, "nothing was heard from the other side"),
        (("dial: '1'", "{hear: speech, within: 3}"), 3.0, "nothing was heard from the other side"),
        (("dial: '1'", "{hear: greeting, within: 3}"), 3.0, "greeting was not heard to its end"),
        (("{cue: go, within: 2}",), 2.0, "step 1 (cue go): not within 2 s: no sign came"),
    ],
)
def test_each_step_has_a_deadline_and_says_what_was_missing(
    steps: tuple[str, ...], at: float, told: str
) -> None:
    stage = Stage(citizen(*steps)).until(100.0)
    assert stage.end is not None
    assert stage.end[0] == at
    assert told in stage.end[1]


def test_a_robot_that_may_go_on_does_so_when_a_person_says_nothing() -> None:
    stage = Stage(citizen("dial: '1'", "{hear: turn, within: 3, go_on: true}", "say: c1"))
    assert stage.at(1.0, UP).until(3.0).when(Say) == 3.0


HAPPENINGS: st.SearchStrategy[Happening] = st.sampled_from(
    [
        RINGING,
        UP,
        OVER,
        Voice(True),
        Voice(False),
        Recognised(),
        SaidAll(),
        Cued("go"),
        Commanded(),
        Commanded("no"),
        LineUp(),
        LineUp("403 Forbidden"),
    ]
)


@given(st.lists(st.tuples(st.floats(0.0, 5.0), HAPPENINGS), max_size=40), st.booleans())
def test_whatever_happens_each_script_ends_and_no_deed_is_done_twice(
    story: list[tuple[float, Happening]], as_agent: bool
) -> None:
    script = (
        agent(
            "sign_in",
            "ready",
            "ring",
            "answer: 1",
            "say: a",
            "hear: turn",
            "hang_up",
            "wrap_up: 1",
            "sign_out",
        )
        if as_agent
        else citizen(
            "dial: '1'", "answered", "hear: g", "cue: go", "say: c", "{hear: silence}", "press: '1'", "ended"
        )
    )
    stage, now = Stage(script), 0.0
    for pause, happening in story:
        now += pause
        stage.at(now, happening)
    stage.until(now + 2000.0)
    assert stage.play.over
    ends = [action for _, action in stage.done if isinstance(action, Finish)]
    assert len(ends) == 1
    assert ends[0] is stage.done[-1][1]
    deeds = [id(action.step) for _, action in stage.done if isinstance(action, Do)]
    assert len(deeds) == len(set(deeds))
