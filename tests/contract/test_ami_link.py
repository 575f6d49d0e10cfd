"""The manager link against a peer that is slow, silent, wrong, gone, or talks too much; on real sockets."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from functools import partial
from typing import Any

import pytest
from structlog.testing import capture_logs

from cti.ami import (
    AmiBusy,
    AmiError,
    AmiEvent,
    AmiLink,
    AmiLinkLost,
    AmiRefused,
    AmiRejected,
    AmiSettings,
    AmiTimeout,
    LinkState,
    Phase,
)
from tests.contract.ami_peer import Asked, Conversation, Peer, answer, block, event, good, listening
from tests.waiting import until

pytestmark = pytest.mark.contract

SECRET = "不对-wrong-secret"
BASE = AmiSettings(
    "127.0.0.1",
    0,
    "yht",
    SECRET,
    connect_timeout=5.0,
    login_timeout=5.0,
    boot_timeout=5.0,
    backoff_first=0.01,
    backoff_most=0.05,
    ping_interval=60.0,
)
GENEROUS = 20.0


class Owner:
    """Whoever uses a link, and what it was told, in order."""

    def __init__(self, peer: Peer, **settings: Any) -> None:
        self.told: list[str] = []
        self.states: list[LinkState] = []
        self.resync: Callable[[], Awaitable[None]] = self._no_resync
        self.take: Callable[[AmiEvent], None] = self._take
        self.now: Callable[[], float] = time.monotonic
        self.link = AmiLink(
            replace(BASE, **{"port": peer.port, **settings}),
            on_event=lambda told: self.take(told),
            on_state=self.states.append,
            clock=lambda: self.now(),
            rng=random.Random(7),
            resync=self._resynced,
        )

    async def _no_resync(self) -> None:
        """Keep no state."""

    async def _resynced(self) -> None:
        self.told.append("resync begins")
        await self.resync()
        self.told.append("resync ends")

    def _take(self, told: AmiEvent) -> None:
        self.told.append(told.get("Number") or told.name)

    async def up(self) -> None:
        await self.link.start()
        await self.link.wait_up(GENEROUS)

    @property
    def reasons(self) -> list[str]:
        return [state.reason for state in self.states if state.phase in (Phase.DOWN, Phase.REFUSED)]


@pytest.fixture
async def peer() -> AsyncIterator[Peer]:
    async with listening() as found:
        yield found


@pytest.fixture
async def owned(peer: Peer) -> AsyncIterator[Callable[..., Owner]]:
    """Makes owners; their links are stopped, and no task of theirs may be left."""
    owners: list[Owner] = []

    def make(**settings: Any) -> Owner:
        owners.append(Owner(peer, **settings))
        return owners[-1]

    yield make
    for owner in owners:
        await owner.link.stop()
    assert [task.get_name() for task in asyncio.all_tasks() if task.get_name().startswith("ami")] == []


async def refuse(talk: Conversation, asked: Asked) -> None:
    if asked["Action"] == "Login":
        await talk.send(block(Response="Error", ActionID=asked["ActionID"], Message="Authentication failed"))


def silent_to(*actions: str) -> Callable[[Conversation, Asked], Awaitable[None]]:
    async def some(talk: Conversation, asked: Asked) -> None:
        if asked["Action"] not in actions:
            await answer(talk, asked)

    return some


# The login


async def test_wrong_credentials_are_said_at_once_and_tried_again_slowly(
    peer: Peer, owned: Callable[..., Owner]
) -> None:
    peer.answer = refuse
    owner = owned(refused_retry=0.3)
    with capture_logs() as logs:
        await owner.link.start()
        with pytest.raises(AmiRefused, match="'yht': Authentication failed; check the secret"):
            await owner.link.wait_up(GENEROUS)
        assert owner.link.state.retry_in == 0.3
        await until(lambda: len(peer.talks) == 3, "it tries again")
        first, second, third = (talk.began for talk in peer.talks)
        assert min(second - first, third - second) >= 0.29
        peer.answer = answer
        await until(lambda: owner.link.state.phase is Phase.UP, "the secret was set right")
    assert owner.link.counters.refusals >= 3
    assert owner.link.counters.logins == 1
    assert "wrong-secret" not in repr(logs) + repr(owner.states) + repr(owner.link.settings)


@pytest.mark.parametrize(
    ("greeting", "answered", "said"),
    [
        (b"", answer, "took the connection and says nothing"),
        (b"Asterisk Call Man", answer, "took the connection and says nothing"),
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", answer, "is no Asterisk manager, it said"),
        (b"Asterisk Call Manager/" + b"9" * 300, answer, "greeting has no end"),
        (b"Asterisk Call Manager/9.0.0\r\n", silent_to("Login"), "Login: no answer from"),
        (b"Asterisk Call Manager/9.0.0\r\n" + b"x" * 70_000, answer, "a message of more than 65536 bytes"),
        (b"Asterisk Call Manager/9.0.0\r\nnonsense\r\n\r\n", answer, "neither event nor response"),
    ],
)
async def test_a_peer_that_is_no_manager_is_left_and_tried_again(
    peer: Peer,
    owned: Callable[..., Owner],
    greeting: bytes,
    answered: Callable[[Conversation, Asked], Awaitable[None]],
    said: str,
) -> None:
    peer.greeting, peer.answer = greeting, answered
    owner = owned(login_timeout=0.1)
    await owner.link.start()
    await until(lambda: len(owner.reasons) >= 2, "it is left, twice")
    assert all(said in reason for reason in owner.reasons[:2]), owner.reasons
    with pytest.raises(AmiTimeout, match="is not up within"):
        await owner.link.wait_up(0.0)


async def test_nobody_who_has_not_booted_is_used(peer: Peer, owned: Callable[..., Owner]) -> None:
    async def not_booted(talk: Conversation, asked: Asked) -> None:
        await talk.send(good(asked, Message="Authentication accepted"))

    peer.answer = not_booted
    owner = owned(boot_timeout=0.1)
    await owner.link.start()
    await until(lambda: owner.reasons, "it is left")
    assert "has not booted within 0.1 s" in owner.reasons[0]
    assert owner.link.counters.logins == 0


# What was not finished


async def test_half_a_message_is_no_event_and_its_end_is_not_waited_for(
    peer: Peer, owned: Callable[..., Owner]
) -> None:
    owner = owned()
    await owner.up()
    await peer.talk.send(event("Whole", Number="1") + b"Event: Half\r\nNumber: 2\r\n")
    await until(lambda: "1" in owner.told, "the whole one")
    await peer.talk.cut()
    await until(lambda: owner.link.counters.logins == 2, "the link is up again")
    await peer.talk.send(b"\r\n" + event("Whole", Number="3"))
    await until(lambda: "3" in owner.told, "what came on the next connection")
    assert "2" not in owner.told


async def test_characters_that_are_cut_between_two_reads_stay_whole(
    peer: Peer, owned: Callable[..., Owner]
) -> None:
    owner = owned()
    await owner.up()
    for byte in event("Whole", Number="路灯坏了") + event("Whole", Number="谢谢"):
        await peer.talk.send(bytes([byte]))
        await asyncio.sleep(0)
    await until(lambda: "谢谢" in owner.told, "the second")
    assert owner.told[-2:] == ["路灯坏了", "谢谢"]


# Actions


async def test_each_action_has_its_deadline_and_a_late_answer_is_nobody_elses(
    peer: Peer, owned: Callable[..., Owner]
) -> None:
    peer.answer = silent_to("CoreStatus")
    owner = owned()
    await owner.up()
    with pytest.raises(AmiTimeout, match=r"CoreStatus: no answer from 127.0.0.1:\d+ within 0.05 s"):
        await owner.link.action("CoreStatus", {}, timeout=0.05)
    await peer.talk.send(good(peer.talk.named("CoreStatus")[0], Message="late"))
    reply = await owner.link.action("CoreSettings", {})
    assert reply.message == "CoreSettings done"
    assert (owner.link.counters.timeouts, owner.link.counters.late_replies) == (1, 1)
    assert owner.link.state.phase is Phase.UP


async def test_an_originate_that_was_not_answered_goes_out_once(
    peer: Peer, owned: Callable[..., Owner]
) -> None:
    async def cuts(talk: Conversation, asked: Asked) -> None:
        if asked["Action"] == "Originate":
            await talk.cut()
        else:
            await answer(talk, asked)

    peer.answer = cuts
    owner = owned(backoff_first=0.3, backoff_most=0.3)
    await owner.up()
    with pytest.raises(AmiLinkLost) as lost:
        await owner.link.action("Originate", {"Channel": "Local/1@nowhere", "Async": "true"})
    assert lost.value.may_have_run
    await until(lambda: owner.link.state.phase is Phase.DOWN, "the link says that it is down")
    with pytest.raises(AmiLinkLost, match="nothing was sent") as refused:
        await owner.link.action("Originate", {"Channel": "Local/2@nowhere"})
    assert not refused.value.may_have_run
    await owner.link.wait_up(GENEROUS)
    await owner.link.action("CoreStatus", {})
    assert [asked["Channel"] for asked in peer.all_asked("Originate")] == ["Local/1@nowhere"]
    assert len(peer.talks) == 2


async def test_more_actions_than_the_bound_are_refused_before_they_are_sent(
    peer: Peer, owned: Callable[..., Owner]
) -> None:
    peer.answer = silent_to("CoreStatus")
    owner = owned(max_pending=3)
    await owner.up()
    waiting = [asyncio.create_task(owner.link.action("CoreStatus", {})) for _ in range(3)]
    await until(lambda: len(peer.all_asked("CoreStatus")) == 3, "three are asked")
    with pytest.raises(AmiBusy, match="3 actions wait"):
        await owner.link.action("CoreStatus", {})
    await owner.link.stop()
    outcomes = await asyncio.gather(*waiting, return_exceptions=True)
    assert [type(outcome) for outcome in outcomes] == [AmiLinkLost] * 3
    assert len(peer.all_asked("CoreStatus")) == 3


async def test_an_asterisk_that_does_not_read_is_not_written_to_without_end(
    peer: Peer, owned: Callable[..., Owner]
) -> None:
    async def stops_reading(talk: Conversation, asked: Asked) -> None:
        await answer(talk, asked)
        peer.reads = asked["Action"] == "Login"

    peer.answer = stops_reading
    owner = owned(max_unsent=64 * 1024, max_pending=100_000)
    await owner.up()
    await owner.link.action("CoreStatus", {})
    fields = {"Variable": ["x=" + "y" * 900] * 100}
    sent: list[asyncio.Task[Any]] = []
    while len(sent) < 1000 and not (sent and sent[-1].done()):
        sent.append(asyncio.create_task(owner.link.action("Originate", fields, timeout=60.0)))
        await asyncio.sleep(0)
    with pytest.raises(AmiBusy, match="Asterisk does not read"):
        await sent[-1]
    await owner.link.stop()
    await asyncio.gather(*sent, return_exceptions=True)


# Lists


async def test_a_list_is_its_items_and_the_events_beside_it_are_the_owners(
    peer: Peer, owned: Callable[..., Owner]
) -> None:
    async def lists(talk: Conversation, asked: Asked) -> None:
        if asked["Action"] != "Status":
            await answer(talk, asked)
            return
        mark = asked["ActionID"]
        await talk.send(good(asked, EventList="start", Message="Channel status will follow"))
        await talk.send(event("Status", ActionID=mark, Channel="PJSIP/1"))
        await talk.send(event("Hangup", Number="beside"))
        await talk.send(event("Status", ActionID=mark, Channel="PJSIP/2"))
        await talk.send(event("StatusComplete", ActionID=mark, EventList="Complete", ListItems="2"))

    peer.answer = lists
    owner = owned()
    await owner.up()
    items = await owner.link.collect("Status", {})
    assert [item.get("Channel") for item in items] == ["PJSIP/1", "PJSIP/2"]
    await until(lambda: "beside" in owner.told, "the event beside it")
    assert "Status" not in owner.told


async def test_a_list_that_is_too_long_or_refused_or_given_up_costs_nothing_else(
    peer: Peer, owned: Callable[..., Owner]
) -> None:
    async def lists(talk: Conversation, asked: Asked) -> None:
        mark = asked["ActionID"]
        if asked["Action"] == "Refused":
            await talk.send(block(Response="Error", ActionID=mark, Message="Permission denied"))
        elif asked["Action"] == "Long":
            await talk.send(good(asked, EventList="start"))
            await talk.send(event("Item", ActionID=mark, Number="item") * 50)
            await talk.send(event("LongComplete", ActionID=mark, EventList="Complete"))
        elif asked["Action"] == "Slow":
            await talk.send(good(asked, EventList="start"))
        else:
            await answer(talk, asked)

    peer.answer = lists
    owner = owned(max_list=10)
    await owner.up()
    with pytest.raises(AmiRejected, match="Permission denied"):
        await owner.link.collect("Refused", {})
    with pytest.raises(AmiRejected, match="more than 10 events"):
        await owner.link.collect("Long", {})
    with pytest.raises(AmiTimeout):
        await owner.link.collect("Slow", {}, timeout=0.05)
    mark = peer.talk.named("Slow")[0]["ActionID"]
    await peer.talk.send(event("Item", ActionID=mark, Number="item") * 5)
    await peer.talk.send(event("SlowComplete", ActionID=mark, EventList="Complete"))
    await peer.talk.send(event("Hangup", Number="after"))
    await until(lambda: "after" in owner.told, "the next event")
    assert "item" not in owner.told
    assert len(peer.talks) == 1


# Losing the connection


async def test_a_missed_pong_ends_the_connection_and_the_next_one_serves(
    peer: Peer, owned: Callable[..., Owner]
) -> None:
    async def first_is_dead(talk: Conversation, asked: Asked) -> None:
        if asked["Action"] != "Ping" or len(peer.talks) > 1:
            await answer(talk, asked)

    peer.answer = first_is_dead
    owner = owned(ping_interval=0.05, ping_timeout=0.3)
    await owner.up()
    await until(lambda: owner.link.counters.logins == 2, "the link is up again")
    assert owner.reasons[0].endswith("no pong within 0.3 s")
    await until(lambda: len(peer.talk.named("Ping")) >= 2, "the next one is watched too")


async def test_each_try_waits_longer_up_to_a_bound_and_never_the_same(
    peer: Peer, owned: Callable[..., Owner]
) -> None:
    owner = owned(backoff_first=0.01, backoff_most=0.08)
    await peer.close()
    await owner.link.start()
    await until(lambda: len(owner.reasons) >= 7, "seven tries")
    assert all("does not take the connection: Connection refused" in reason for reason in owner.reasons)
    waits = [state.retry_in for state in owner.states if state.phase is Phase.DOWN]
    whole = [min(0.08, 0.01 * 2**tries) for tries in range(len(waits))]
    assert all(bound / 2 <= wait <= bound for wait, bound in zip(waits, whole, strict=True))
    assert len(set(waits)) == len(waits), "with jitter"


async def test_a_link_that_was_steady_begins_with_the_first_wait_again(
    peer: Peer, owned: Callable[..., Owner]
) -> None:
    owner = owned(backoff_first=0.01, backoff_most=10.0)
    peer.greeting = b"nonsense\r\n"
    await owner.link.start()
    await until(lambda: len(owner.reasons) >= 4, "four tries in vain")
    peer.greeting = b"Asterisk Call Manager/9.0.0\r\n"
    await owner.link.wait_up(GENEROUS)
    owner.now = lambda: time.monotonic() + 3600
    await peer.talk.cut()
    failed = len(owner.reasons)
    await until(lambda: len(owner.reasons) > failed, "it is lost")
    waits = [state.retry_in for state in owner.states if state.phase is Phase.DOWN]
    assert waits[3] >= 0.04
    assert waits[-1] <= 0.01


# Events and the resync


async def test_the_resync_runs_after_each_login_before_any_event_is_handed_over(
    peer: Peer, owned: Callable[..., Owner]
) -> None:
    async def early(talk: Conversation, asked: Asked) -> None:
        await answer(talk, asked)
        if asked["Action"] == "Login":
            await talk.send(b"".join(event("Early", Number=f"{len(peer.talks)}.{n}") for n in range(500)))

    peer.answer = early
    owner = owned()

    async def asks() -> None:
        await owner.link.action("CoreStatus", {})

    owner.resync = asks
    await owner.up()
    for last in ("1.499", "2.499"):
        await until(partial(owner.told.__contains__, last), "all events of one connection")
        await peer.talk.cut()
    await owner.link.wait_up(GENEROUS)
    rounds = "|".join(owner.told).split("resync begins|resync ends|")
    assert rounds[0] == ""
    for number in (1, 2):
        assert rounds[number].strip("|").split("|") == [
            "FullyBooted",
            *(f"{number}.{n}" for n in range(500)),
        ]
    assert len(peer.all_asked("CoreStatus")) >= 2


@pytest.mark.parametrize("bound", [{"max_events": 100}, {"max_event_bytes": 10_000}])
async def test_a_flood_beyond_the_bounds_costs_the_connection_and_a_resync_not_the_memory(
    peer: Peer, owned: Callable[..., Owner], bound: dict[str, int]
) -> None:
    owner = owned(**bound)
    free = asyncio.Event()

    async def stuck_once() -> None:
        if len(peer.talks) == 1:
            await free.wait()

    owner.resync = stuck_once
    await owner.up()
    await peer.talk.send(event("Flood", Number="flood") * 1000)
    await until(lambda: owner.link.counters.logins == 2, "the link is up again")
    assert owner.link.counters.overflows == 1
    assert "the owner does not keep up" in owner.reasons[0]
    await peer.talk.send(event("Calm", Number="calm"))
    await until(lambda: "calm" in owner.told, "events are handed over again")
    assert owner.told == ["resync begins", "resync begins", "resync ends", "FullyBooted", "calm"]


async def test_an_owner_that_raises_costs_the_connection_and_is_resynced(
    peer: Peer, owned: Callable[..., Owner]
) -> None:
    owner = owned()
    taken: list[str] = []

    def raises_once(told: AmiEvent) -> None:
        number = told.get("Number")
        if number == "2" and len(peer.talks) == 1:
            raise LookupError("an owner's mistake")
        taken.append(number)

    owner.take = raises_once
    with capture_logs() as logs:
        await owner.up()
        await peer.talk.send(b"".join(event("E", Number=str(n)) for n in range(4)))
        await until(lambda: owner.link.counters.logins == 2, "the link is up again")
    assert owner.reasons[0].endswith("ami-consumer failed with LookupError")
    assert [told["event"] for told in logs if told["log_level"] == "error"] == ["ami_owner_failed"]
    await peer.talk.send(event("E", Number="2"))
    await until(lambda: taken[-1] == "2", "events go on")
    assert taken == ["", "0", "1", "", "2"], "nothing after the one that was not taken, but by the resync"


async def test_a_resync_that_fails_or_lasts_too_long_is_done_again_on_a_new_connection(
    peer: Peer, owned: Callable[..., Owner]
) -> None:
    owner = owned(resync_timeout=0.1)

    async def third_time_is_good() -> None:
        if len(peer.talks) == 1:
            raise AmiError("Redis did not listen")
        if len(peer.talks) == 2:
            await asyncio.Event().wait()

    owner.resync = third_time_is_good
    await owner.link.start()
    await until(lambda: "FullyBooted" in owner.told, "the third resync is good")
    assert [reason.partition(": ")[2] for reason in owner.reasons] == [
        "Redis did not listen",
        "the resync took more than 0.1 s",
    ]


async def test_a_resync_that_swallows_its_cancellation_does_not_hold_the_link(
    peer: Peer, owned: Callable[..., Owner]
) -> None:
    """A client that is just connecting somewhere can take a cancellation for its own."""
    owner = owned()

    async def deaf_once() -> None:
        if len(peer.talks) == 1:
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                return

    owner.resync = deaf_once
    await owner.up()
    await until(lambda: owner.told, "the resync has begun")
    await peer.talk.cut()
    await until(lambda: owner.link.counters.logins == 2, "the link is up again")


# The end


@pytest.mark.parametrize("moment", ["connecting", "waiting to try again", "in the resync", "up"])
async def test_a_stop_leaves_no_task_and_no_connection(
    peer: Peer, owned: Callable[..., Owner], moment: str
) -> None:
    before = asyncio.all_tasks()
    owner = owned(backoff_first=30.0, backoff_most=60.0)
    if moment == "connecting":
        peer.greeting = b""
    elif moment == "waiting to try again":
        peer.greeting = b"nonsense\r\n"
    elif moment == "in the resync":
        owner.resync = asyncio.Event().wait  # type: ignore[assignment]
    await owner.link.start()
    await until(lambda: peer.talks, "a connection")
    if moment == "waiting to try again":
        await until(lambda: owner.link.state.phase is Phase.DOWN and owner.reasons, "it waits")
    elif moment != "connecting":
        await owner.link.wait_up(GENEROUS)
    await owner.link.stop()
    assert owner.link.state == LinkState(Phase.DOWN, "stopped")
    await until(lambda: peer.talk.reader.at_eof() or peer.talk.writer.is_closing(), "the peer sees the end")
    await until(lambda: not (asyncio.all_tasks() - before), "no task is left")
    connections = len(peer.talks)
    with pytest.raises(AmiLinkLost, match="not up \\(stopped\\)"):
        await owner.link.action("CoreStatus", {})
    await owner.link.stop()
    assert len(peer.talks) == connections
