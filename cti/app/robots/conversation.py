"""Turns the lines of a city's demo.yaml into the scripts of two robots. Pure."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterable, Sequence
from typing import Any

from config.schema.demo import Line
from ivr.prompts.items import DemoLine

DIAL, WAITS, OURS, TALK = "dial", "waits", "ours", "talk"
"""Signs: the citizen may dial; the citizen waits in the queue; the call that rings is the citizen's; the agent has
answered."""
PATIENCE_SECONDS = 240

Steps = list[Any]


def agent_script(lines: Sequence[Line], agent: str) -> str:
    """Return the script of the agent, who answers, speaks when the citizen has finished, and hangs up.

    The agent is ready only once the citizen waits, and answers only that call: no other citizen may meet a
    robot.
    """
    steps: Steps = [
        "sign_in",
        {"cue": WAITS, "within": PATIENCE_SECONDS},
        "ready",
        {"ring": PATIENCE_SECONDS},
    ]
    steps += [{"cue": OURS, "within": 10}, {"answer": 1.5}, {"wait": 0.8}]
    steps += _talk(lines, "agent", within=45, go_on=False)
    steps += [{"wait": 0.4}, "hang_up", "sign_out"]
    return json.dumps({"actor": "agent", "agent": agent, "steps": steps}, ensure_ascii=False)


def citizen_script(lines: Sequence[Line], number: str, greeting: str | None, caller: str) -> str:
    """Return the script of the citizen, who dials, hears the greeting, waits, and talks until the agent hangs up."""
    steps: Steps = [{"cue": DIAL}, {"dial": number}, {"answered": 15}]
    steps += [{"hear": greeting, "within": 40}] if greeting else []
    steps += [{"cue": TALK, "within": PATIENCE_SECONDS}]
    # A person at the seat may have nothing to say.
    steps += _talk(lines, "citizen", within=15, go_on=True)
    steps += [{"ended": 60}]
    return json.dumps({"actor": "citizen", "caller": caller, "steps": steps}, ensure_ascii=False)


def words(lines: Iterable[Line]) -> dict[str, str]:
    """Return what is said in each clip, by the clip's id."""
    return {_clip(line): line.text for line in lines}


def _clip(line: Line) -> str:
    return DemoLine(line.id, line.speaker, line.text).prompt_id


def _talk(lines: Sequence[Line], speaker: str, *, within: float, go_on: bool) -> Steps:
    turns = [
        (who, [_clip(line) for line in said])
        for who, said in itertools.groupby(lines, key=lambda line: line.speaker)
    ]
    steps: Steps = []
    for at, (who, clips) in enumerate(turns):
        if who == speaker:
            steps.append({"say": clips})
        elif at + 1 < len(turns) or who == "citizen":
            steps.append({"hear": "turn", "within": within, "go_on": go_on})
    # After the agent's last words comes the end of the call, not another turn.
    return steps
