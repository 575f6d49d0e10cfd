"""Whatever a caller's name or a city's text holds, Asterisk reads it back as one value."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ivr.agi.errors import CommandError
from ivr.agi.quoting import MAX_COMMAND_BYTES, MAX_PAIRS, command_line, escape, multiple_set, quote

pytestmark = pytest.mark.unit

TEXT = st.text(st.characters(exclude_characters="\r\n\0", exclude_categories=["Cs"]), max_size=60)
NASTY = st.text('\\",()[] \ta$={}', max_size=30) | TEXT


def asterisk_parses_arguments(line: str) -> list[str]:
    """res/res_agi.c, parse_args, in Python."""
    found: list[str] = []
    quoted = escaped = False
    between = True
    for char in line:
        if char == '"' and not escaped:
            quoted = not quoted
            if quoted and between:
                found.append("")
                between = False
        elif char in " \t" and not quoted and not escaped:
            between = True
        elif char == "\\" and not escaped:
            escaped = True
        else:
            if between:
                found.append("")
                between = False
            found[-1] += char
            escaped = False
    return found


def asterisk_separates(text: str) -> list[str]:
    """main/app.c, __ast_app_separate_args, with remove_chars, in Python."""
    found = [""]
    round_, square, quoted, escaped = 0, 0, False, False
    for char in text:
        if escaped:
            found[-1] += char
            escaped = False
            continue
        if char == "\\":
            escaped = True
            continue
        if char == '"':
            quoted = not quoted
            continue
        round_ = max(0, round_ + {"(": 1, ")": -1}.get(char, 0))
        square = max(0, square + {"[": 1, "]": -1}.get(char, 0))
        if char == "," and not round_ and not square and not quoted:
            found.append("")
            continue
        found[-1] += char
    return found


@given(st.lists(NASTY, max_size=6))
def test_arguments_arrive_as_they_were(arguments: list[str]) -> None:
    line = command_line("EXEC", *arguments).decode()
    assert line.endswith("\n")
    assert asterisk_parses_arguments(line[:-1]) == ["EXEC", *arguments]


@given(st.lists(NASTY, min_size=1, max_size=6))
def test_arguments_of_an_application_arrive_as_they_were(arguments: list[str]) -> None:
    assert asterisk_separates(",".join(map(escape, arguments))) == arguments


@given(st.dictionaries(st.from_regex(r"_{0,2}[A-Z][A-Z0-9_]{0,8}", fullmatch=True), NASTY, max_size=200))
def test_variables_arrive_as_they_were_in_as_few_commands_as_fit(variables: dict[str, str]) -> None:
    found: dict[str, str] = {}
    for text in multiple_set(variables):
        [_, _, argument] = asterisk_parses_arguments(command_line("EXEC", "MSet", text).decode()[:-1])
        pairs = asterisk_separates(argument)
        assert len(pairs) <= MAX_PAIRS
        for pair in pairs:
            name, _, value = pair.partition("=")
            found[name] = value
    assert found == variables


def test_a_plan_is_one_command() -> None:
    plan = {f"YHT_{number}": '热线，"12345"' * 5 for number in range(20)}
    assert len(list(multiple_set(plan))) == 1


def test_no_variable_is_no_command() -> None:
    assert list(multiple_set({})) == []


@pytest.mark.parametrize("bad", ["a\nb", "a\rb", "a\0b", "\nEXEC System rm"])
def test_a_line_end_is_refused(bad: str) -> None:
    with pytest.raises(CommandError, match="end of line"):
        quote(bad)


@pytest.mark.parametrize("name", ["", "NOOP\n", "noop", "GET  VARIABLE", 'NOOP "x"', "EXEC System(rm)"])
def test_a_name_that_is_no_command_is_refused(name: str) -> None:
    with pytest.raises(CommandError, match="no name of a command"):
        command_line(name)


@pytest.mark.parametrize("name", ["", "A=B", "A,B", "A B", "SHELL(rm)", "1A", "变量"])
def test_a_name_that_is_no_variable_is_refused(name: str) -> None:
    with pytest.raises(CommandError, match="no name of a variable"):
        multiple_set({"GOOD": "1", name: "x"})


def test_what_asterisk_would_cut_is_refused() -> None:
    with pytest.raises(CommandError, match="at most"):
        command_line("NOOP", "x" * MAX_COMMAND_BYTES)
    with pytest.raises(CommandError, match="surrogate"):
        command_line("NOOP", "\ud800")
