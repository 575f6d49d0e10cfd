"""What the callback script asks and what it understands, with a telephone that is only played."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deploy.agi.callback_request import KEY_SECONDS, ask, callable_number, digit_clips, file_name
from ivr.prompts import spoken

pytestmark = pytest.mark.unit

OWN, OTHER = "13800138000", "02087654321"


class PlayedPhone:
    """`during`: prompt → the keys pressed while it plays, one a time it is played; `after`: keys in silence."""

    def __init__(self, during: Mapping[str, Iterable[str]] | None = None, after: Iterable[str] = ()) -> None:
        self.heard: list[str] = []
        self._during = {prompt: list(keys) for prompt, keys in (during or {}).items()}
        self._after = list(after)

    def say(self, prompt: str, keys: str = "") -> str:
        self.heard.append(prompt)
        pressed = self._during.get(prompt, [])
        key = pressed.pop(0) if pressed else ""
        return key if key in keys else ""

    def key(self, seconds: float) -> str:
        assert 0 < seconds <= KEY_SECONDS
        return self._after.pop(0) if self._after else ""


def test_one_key_is_enough_for_a_callback_at_the_own_number() -> None:
    phone = PlayedPhone({"callback_offer": ["1"]})
    assert ask(phone, OWN) == OWN
    assert phone.heard == ["callback_offer"]


def test_who_presses_nothing_is_asked_twice_and_then_called_at_the_own_number() -> None:
    phone = PlayedPhone()
    assert ask(phone, OWN) == OWN
    assert phone.heard == ["callback_offer", "callback_offer"]


def test_another_number_is_keyed_in_and_read_back() -> None:
    phone = PlayedPhone({"callback_offer": ["2"]}, after=[*OTHER, "#", "1"])
    assert ask(phone, OWN) == OTHER
    assert phone.heard[1:3] == ["callback_enter", "callback_number"]
    assert tuple(phone.heard[3:-1]) == spoken.digits(OTHER)
    assert phone.heard[-1] == "callback_confirm"


def test_a_number_is_confirmed_by_a_key_in_the_middle_of_being_read_back() -> None:
    phone = PlayedPhone({"callback_offer": ["2"], "num_7": ["1"]}, after=[*OTHER, "#"])
    assert ask(phone, OWN) == OTHER
    assert phone.heard[-1] == "num_7"


def test_a_slip_is_corrected() -> None:
    phone = PlayedPhone({"callback_confirm": ["2", "1"]}, after=[*"87654320", "#", *"87654321", "#"])
    assert ask(phone, "") == "87654321"


def test_who_stops_keying_in_has_finished() -> None:
    assert ask(PlayedPhone(after=[*"87654321", "", "1"]), "") == "87654321"


def test_a_call_without_a_number_is_asked_for_one_at_once() -> None:
    phone = PlayedPhone(after=[*OTHER, "#"])
    assert ask(phone, "") == OTHER
    assert "callback_offer" not in phone.heard


def test_rubbish_in_every_try_ends_with_the_own_number_or_with_none() -> None:
    rubbish = ["1", "2", "#"] * 5
    assert ask(PlayedPhone({"callback_offer": ["2"]}, after=rubbish), OWN) == OWN
    assert ask(PlayedPhone(after=rubbish), "") == ""


@given(st.lists(st.sampled_from([*"0123456789*#", ""])), st.sampled_from(["", OWN]))
def test_every_conversation_ends_and_ends_with_a_number_that_can_be_called(keys: list[str], own: str) -> None:
    number = ask(PlayedPhone(after=keys), own)
    assert number == "" or re.fullmatch(r"[0-9]{7,15}", number)


@pytest.mark.parametrize(
    ("caller", "number"),
    [
        ("13800138000", "13800138000"),
        ("+8613800138000", "8613800138000"),
        ("87654321", "87654321"),
        ("anonymous", ""),
        ("unknown", ""),
        ("110", ""),
        ("", ""),
        ("１３８００１３８０００", ""),
        ("1" * 10_000, ""),
        ('1380013800"; rm', ""),
    ],
)
def test_only_a_number_that_can_be_called_is_taken_for_the_own_one(caller: str, number: str) -> None:
    assert callable_number(caller) == number


@given(st.from_regex(r"[0-9]{1,20}", fullmatch=True))
def test_digits_are_read_as_the_rest_of_the_platform_reads_them(number: str) -> None:
    assert digit_clips(number) == spoken.digits(number)


@given(st.text())
def test_no_call_id_leaves_the_folder(call_id: str) -> None:
    name = file_name(call_id)
    assert "/" not in name
    assert not name.startswith(".")
    assert name.endswith(".json")
