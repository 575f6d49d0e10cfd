"""What the engine answers when the dialplan asks: which plan a new call gets, and what a waiting citizen hears.

Both answers are pure functions; the handlers around them read the request and set channel variables. The
dialplan (config/templates/asterisk/extensions.conf.j2) says which variables it reads.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Protocol

from config.schema.hotline import Destination
from ivr.agi import AgiRequest, AgiSession
from ivr.directory import Directory, Plan
from ivr.prompts import spoken

CAUSE_REJECTED = "21"
"""Q.850: call rejected."""

Arrived = Callable[[AgiRequest, Plan], None]
"""Told of each new call before the dialplan goes on."""

Place = Callable[[str, str], int | None]
"""(queue, call id) → how many wait before this call; None when that can not be told."""


class Prompts(Protocol):
    """Finds a built prompt."""

    def __call__(self, language: str, prompt_id: str) -> Path:
        """Return where the clip lies, without its ending, whether or not it is there."""


def plan_variables(plan: Plan, prompts: Prompts) -> dict[str, str]:
    """Return the channel variables that carry a plan into the dialplan.

    A prompt whose clip is not there is left out: the citizen hears one sentence less, never silence for a
    whole call.
    """

    def clip(prompt_id: str | None) -> str:
        if not prompt_id:
            return ""
        path = prompts(plan.language, prompt_id)
        return str(path) if path.with_name(path.name + ".wav").is_file() else ""

    forward = plan.forward
    return {
        "YHT_PLAN": plan.outcome,
        "YHT_OUTCOME": plan.outcome,
        "YHT_HOTLINE": plan.hotline,
        "YHT_DIALED": plan.dialed,
        "YHT_QUEUE": plan.queue,
        "YHT_PRIORITY": str(plan.priority),
        "YHT_LANGUAGE": plan.language,
        "YHT_NOTICE_ID": plan.notice or "",
        "YHT_NOTICE": clip(plan.notice),
        "YHT_GREETING_ID": plan.greeting or "",
        "YHT_GREETING": clip(plan.greeting),
        "YHT_GOODBYE": clip(plan.goodbye),
        "YHT_COMFORT": clip(plan.comfort),
        "YHT_RECORD": "1" if plan.record else "0",
        "YHT_FORWARD": dialed(forward.to) if forward else "",
        "YHT_FORWARD_SECONDS": str(forward.to.ring_seconds) if forward else "",
        "YHT_FORWARD_TRUNK": forward.to.trunk or "" if forward else "",
        "YHT_FORWARD_CHANNELS": str(forward.channels) if forward else "",
        "YHT_FORWARD_FAILED": clip(forward.to.on_fail_prompt) if forward else "",
        "YHT_FORWARD_FAILED_ID": forward.to.on_fail_prompt or "" if forward else "",
        "YHT_REASON": plan.reason,
        "YHT_CAUSE": CAUSE_REJECTED,
    }


def dialed(to: Destination) -> str:
    """Return what Asterisk dials to reach a telephone outside (pjsip.conf.j2 has the endpoints)."""
    return f"PJSIP/trunk--sip/{to.sip}" if to.sip else f"PJSIP/{to.number}@trunk-{to.trunk}"


def waiting_variables(ahead: int | None, language: str, comfort: str, prompts: Prompts) -> dict[str, str]:
    """Return what a waiting citizen is told: the position where it is known, else the comfort prompt."""
    if ahead is None or language != "zh":
        return {"YHT_SAY": comfort}
    clips = [prompts(language, piece) for piece in spoken.position(ahead)]
    if not all(clip.with_name(clip.name + ".wav").is_file() for clip in clips):
        return {"YHT_SAY": comfort}
    return {"YHT_SAY": "&".join(str(clip) for clip in clips)}


class Routes:
    """The handlers of the FastAGI server. `directory` is asked anew for each call, so that it can be replaced.

    `is_serving` tells whether agents can be offered calls now; where they can not for long, the dialplan lets
    those who wait go to the static queue, as if no engine had answered.
    """

    def __init__(
        self,
        directory: Callable[[], Directory],
        prompts: Callable[[], Prompts],
        place: Place,
        is_serving: Callable[[], bool],
        now: Callable[[], int],
        arrived: Arrived,
    ) -> None:
        self._directory = directory
        self._prompts = prompts
        self._place = place
        self._is_serving = is_serving
        self._now = now
        self._arrived = arrived
        self.counts: dict[str, int] = {}
        """Calls by the reason of their plan."""

    async def route(self, session: AgiSession) -> None:
        """Answer `/route`: a call has arrived, which plan does it get?"""
        request = session.request
        plan = self._directory().resolve(request.get("dnid"), request.get("callerid"), self._now())
        self.counts[plan.reason] = self.counts.get(plan.reason, 0) + 1
        self._arrived(request, plan)
        await session.set_variables(plan_variables(plan, self._prompts()))

    async def waiting(self, session: AgiSession) -> None:
        """Answer `/waiting`: an interval is over, what does the citizen hear before the music goes on?"""
        queue = await session.get_variable("YHT_QUEUE") or ""
        call_id = await session.get_variable("YHT_CALL_ID") or ""
        language = await session.get_variable("YHT_LANGUAGE") or "zh"
        comfort = await session.get_variable("YHT_COMFORT") or ""
        ahead = self._place(queue, call_id)
        told = waiting_variables(ahead, language, comfort, self._prompts())
        await session.set_variables({**told, "YHT_SERVED": "1" if self._is_serving() else ""})

    def handlers(self) -> Mapping[str, Callable[[AgiSession], Awaitable[None]]]:
        """Return the handlers by request path."""
        return {"/route": self.route, "/waiting": self.waiting}
