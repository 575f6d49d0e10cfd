"""One whole call to 12319 as it lies in SQL after it, and a city's names for it."""

from __future__ import annotations

from collections.abc import Iterable

from cti.app.views.words import Names
from cti.facts import Fact, Value

CALL = "n1-1795579200.42"
START = 1_795_579_200_000_000  # 2026-11-25T12:00+08:00
FOLDER = f"2026/11/25/{CALL}"
NAMES = Names(
    "Asia/Shanghai",
    agents={"1001": "王芳", "1002": "李强"},
    queues={"hall": "综合坐席"},
    hotlines={"12319": "城市管理热线"},
    units={"urban": "城市管理局"},
)


def fact(ms: int, kind: str, call: str = CALL, **data: Value) -> Fact:
    """A fact `ms` after the start; its id is made of what it is, its leg of the seat."""
    leg = ("n1-1795579219.43" if data["seat"] else call) if kind.startswith("leg_") else ""
    name = f"{kind}:{call}:{ms}:{data.get('seat', '')}"
    return Fact(name, kind, START + ms * 1000, call, leg=leg, node="n1", data=data)


def whole_call() -> tuple[Fact, ...]:
    """Agent 1001 does not answer, 1002 does; recorded, transcribed, a case."""
    return tuple(_facts())


def _facts() -> Iterable[Fact]:
    yield fact(
        0,
        "call_arrived",
        dialed_number="12319",
        caller_number="13800000001",
        channel="PJSIP/trunk-a-00000001",
    )
    yield fact(0, "leg_started", channel="PJSIP/trunk-a-00000001", seat="")
    yield fact(20, "hotline_resolved", hotline="12319", queue="hall", plan="queue", reason="number")
    yield fact(21, "leg_answered", channel="PJSIP/trunk-a-00000001", seat="")
    yield fact(40, "greeting_started", prompt="greeting_12319")
    yield fact(4200, "queued", queue="hall", priority=5, queued_at=START + 4_200_000, returned="")
    yield fact(
        4210,
        "offered",
        agent="1001",
        seat="1001",
        offer="o1",
        queue="hall",
        waited_ms=10,
        idle_ms=61_000,
        ready=2,
        waiting=1,
    )
    yield fact(4230, "recording_started", folder=FOLDER)
    yield fact(19_240, "offer_ended", offer="o1", agent="1001", seat="1001", status="NOANSWER", talked_ms=0)
    yield fact(19_250, "queued", queue="hall", priority=5, queued_at=START + 4_200_000, returned="NOANSWER")
    yield fact(19_300, "offered", agent="1002", seat="1002", offer="o2", queue="hall", waited_ms=15_100)
    yield fact(19_310, "leg_started", channel="PJSIP/1002-00000003", seat="1002")
    yield fact(21_300, "answered", offer="o2", agent="1002", seat="1002")
    yield fact(
        21_310,
        "talk_started",
        channel="PJSIP/1002-00000003",
        peer="PJSIP/trunk-a-00000001",
        seat="1002",
        bridge="b",
    )
    yield fact(21_400, "case_opened", case="20261125000001")
    yield fact(
        53_700,
        "talk_ended",
        channel="PJSIP/1002-00000003",
        peer="PJSIP/trunk-a-00000001",
        seat="1002",
        bridge="b",
    )
    yield fact(
        53_700, "offer_ended", offer="o2", agent="1002", seat="1002", status="ANSWER", talked_ms=32_400
    )
    yield fact(53_710, "leg_ended", channel="PJSIP/1002-00000003", seat="1002", cause=16)
    yield fact(55_000, "leg_ended", channel="PJSIP/trunk-a-00000001", seat="", cause=16)
    yield fact(55_001, "call_ended")
    yield fact(
        55_100,
        "recording_sealed",
        folder=FOLDER,
        sha256_citizen="a" * 64,
        sha256_agent="b" * 64,
        duration_ms=50_770,
    )
    yield fact(59_000, "transcribed", engine="faster-whisper", model="whisper-base", segments=2)
