"""A telephone on pjsua2: one process, one thread, no sound device.

pjsua2 is told to start no thread that calls us (`threadCnt` 0, `mainThreadOnly`), so everything but the audio
frames (callbacks.py) happens inside `Phone.poll`. Its objects are kept here and let go in the order it needs:
calls, then the line, then the endpoint; one that outlives the endpoint aborts the process at its exit.
"""

from __future__ import annotations

import atexit
import random
from collections import deque
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

import pjsua2 as pj

from desk.phone.callbacks import Account, Call, let_go
from desk.phone.events import DigitWay, Ended, Event, Incoming
from desk.phone.headers import number_of, own_headers
from desk.phone.quiet import quiet
from desk.phone.settings import Line, PhoneError, Settings, Traffic
from desk.phone.sound import FRAME_MS, RATE


class Phone:
    """A telephone with one line. Use it as a context manager; one at a time in a process.

    Calls are known by small numbers, never used twice. Methods raise PhoneError; `poll` tells all the rest.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._endpoint: Any = None
        self._transport: int = -1
        self._account: Account | None = None
        self._calls: dict[int, Call] = {}
        self._made = 0
        self._events: deque[Event] = deque()
        self._graves: list[int] = []
        self.broken: BaseException | None = None
        """An exception of a callback that waits for `poll` to raise it. Written by the callbacks only."""

    def __enter__(self) -> Phone:
        self.open()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        self.close()

    # The telephone itself

    def open(self) -> None:
        """Start it. Raises PhoneError where the address or port can not be had."""
        settings = self._settings
        config = pj.EpConfig()
        config.uaConfig.threadCnt = 0
        config.uaConfig.mainThreadOnly = True
        config.uaConfig.maxCalls = settings.calls
        config.uaConfig.userAgent = "Yihaotong telephone"
        config.medConfig.clockRate = RATE
        config.medConfig.channelCount = 1
        config.medConfig.audioFramePtime = FRAME_MS
        config.medConfig.noVad = True
        config.medConfig.ecTailLen = 0
        config.logConfig.consoleLevel = 0
        config.logConfig.level = 5 if settings.log else 0
        config.logConfig.msgLogging = 1 if settings.log else 0
        config.logConfig.filename = str(settings.log) if settings.log else ""
        transport = pj.TransportConfig()
        transport.boundAddress = settings.address
        transport.port = settings.port
        endpoint = pj.Endpoint()
        try:
            with quiet():
                endpoint.libCreate()
                self._endpoint = endpoint
                atexit.register(self.close)
                endpoint.libInit(config)
            endpoint.audDevManager().setNullDev()
            self._transport = endpoint.transportCreate(pj.PJSIP_TRANSPORT_UDP, transport)
            endpoint.libStart()
            for codec in endpoint.codecEnum2():
                name = codec.codecId.partition("/")[0]
                rank = 250 - settings.codecs.index(name) if name in settings.codecs else 0
                endpoint.codecSetPriority(codec.codecId, rank)
        except pj.Error as error:
            self.close()
            raise PhoneError(
                f"no telephone at {settings.address}:{settings.port}: {_reason(error)}"
            ) from error

    def close(self) -> None:
        """Hang up everything, sign the line off and let pjsua2 go. May be called again."""
        endpoint, self._endpoint = self._endpoint, None
        if endpoint is None:
            return
        atexit.unregister(self.close)
        try:
            endpoint.hangupAllCalls()
            for _ in range(25):
                if all(call.over for call in self._calls.values()):
                    break
                endpoint.libHandleEvents(FRAME_MS)
        finally:
            self._graves.clear()
            for number in list(self._calls):
                self._forget(number)
            if self._account is not None:
                self._account.shutdown()
                let_go(self._account)
                self._account = None
            with quiet():
                endpoint.libDestroy()
            let_go(endpoint)

    @property
    def address(self) -> str:
        """Where the telephone is reached: host:port."""
        return str(self._pj.transportGetInfo(self._transport).localName)

    def use(self, line: Line) -> None:
        """Take a line; with a registrar `Registered` follows."""
        config = pj.AccountConfig()
        config.idUri = f"sip:{line.user}@{line.domain}"
        config.sipConfig.transportId = self._transport
        if line.registrar:
            config.regConfig.registrarUri = f"sip:{line.registrar}"
            config.regConfig.timeoutSec = line.expires_seconds
            config.regConfig.retryIntervalSec = 5
            config.regConfig.unregWaitMsec = 1000
        if line.password:
            config.sipConfig.authCreds.append(pj.AuthCredInfo("digest", "*", line.user, 0, line.password))
        speech = config.mediaConfig.transportConfig
        speech.boundAddress = self._settings.address
        # pjsua2 goes on to the next free pair of ports; a random start keeps telephones of one host apart.
        speech.port = random.randrange(40_000, 60_000, 2)  # noqa: S311 (no secret)
        account = Account(self)
        try:
            account.create(config)
        except pj.Error as error:
            raise PhoneError(
                f"the line {line.user}@{line.domain} can not be used: {_reason(error)}"
            ) from error
        self._account = account

    def poll(self, wait_ms: int = FRAME_MS) -> tuple[Event, ...]:
        """Let pjsua2 work, waiting at most `wait_ms` for something to do; return what has happened, in order.

        Call it at least every 50 ms. What a call still holds of its speech is told before its `Ended`.
        """
        self._pj.libHandleEvents(wait_ms)
        if self.broken is not None:
            error, self.broken = self.broken, None
            raise error
        happened: list[Event] = list(self._events)
        self._events.clear()
        for number, call in self._calls.items():
            heard = call.sound.drain()
            ends = (
                at for at, event in enumerate(happened) if isinstance(event, Ended) and event.call == number
            )
            at = next(ends, len(happened))
            happened[at:at] = heard
        for number in self._graves:
            self._forget(number)
        self._graves.clear()
        return tuple(happened)

    # Calls

    def call(self, number: str, at: str, headers: Mapping[str, str] | None = None) -> int:
        """Call `number` at host:port, with header fields of our own in the INVITE; return the call."""
        options = pj.CallOpParam(True)
        for name, value in (headers or {}).items():
            header = pj.SipHeader()
            header.hName, header.hValue = name, value
            options.txOption.headers.append(header)
        call = self._new()
        try:
            call.makeCall(f"sip:{number}@{at}", options)
        except pj.Error as error:
            self._forget(call.number)
            raise PhoneError(f"{number} at {at} can not be called: {_reason(error)}") from error
        return call.number

    def answer(self, call: int) -> None:
        """Answer a call that rings here."""
        options = pj.CallOpParam(True)
        options.statusCode = 200
        self._do(call, "answered", lambda found: found.answer(options))

    def hang_up(self, call: int, status: int = 0) -> None:
        """End a call; one that rings here is refused with `status` (603 by default). An ended one stays so."""
        options = pj.CallOpParam()
        options.statusCode = status
        if call in self._calls and not self._calls[call].over:
            self._do(call, "hung up", lambda found: found.hangup(options))

    def hold(self, call: int) -> None:
        """Put the other end on hold."""
        self._do(call, "held", lambda found: found.setHold(pj.CallOpParam()))

    def resume(self, call: int) -> None:
        """End a hold of ours."""

        def unhold(found: Any) -> None:
            options = pj.CallOpParam(True)
            options.opt.flag = pj.PJSUA_CALL_UNHOLD
            found.reinvite(options)

        self._do(call, "resumed", unhold)

    def press(self, call: int, digits: str, way: DigitWay = "rfc4733") -> None:
        """Press keys (0-9, *, #, A-D)."""
        options = pj.CallSendDtmfParam()
        info = way == "info"
        options.method = pj.PJSUA_DTMF_METHOD_SIP_INFO if info else pj.PJSUA_DTMF_METHOD_RFC2833
        options.digits = digits
        self._do(call, "sent keys", lambda found: found.sendDtmf(options))

    # Speech

    def say(self, call: int, samples: bytes) -> int:
        """Speak samples (8 kHz, 16 bit) after what is being said already; `Said` with this number follows."""
        return self._live(call).sound.say(samples)

    def hush(self, call: int) -> None:
        """Stop speaking."""
        self._live(call).sound.hush()

    def record(self, call: int, heard: Path, said: Path) -> None:
        """Write both sides into WAV files of equal pace, from now to the end of the call."""
        self._live(call).sound.record(heard, said)

    def traffic(self, call: int) -> Traffic:
        """Return what RTP has carried of a call that stands."""
        try:
            rtcp = self._live(call).getStreamStat(0).rtcp
        except pj.Error as error:
            raise PhoneError(f"call {call} has no speech: {_reason(error)}") from error
        return Traffic(
            rtcp.rxStat.pkt, rtcp.txStat.pkt, rtcp.rxStat.loss, round(rtcp.rxStat.jitterUsec.mean / 1000, 1)
        )

    # For the callbacks

    def tell(self, event: Event) -> None:
        """Keep an event for the next `poll`."""
        self._events.append(event)

    def take(self, pj_id: int, message: str) -> None:
        """Let an incoming call ring."""
        call = self._new(pj_id)
        ringing = pj.CallOpParam()
        ringing.statusCode = 180
        call.answer(ringing)
        self.tell(Incoming(call.number, number_of(call.getInfo().remoteUri), own_headers(message)))

    def bury(self, number: int, ended: Ended) -> None:
        """Let an ended call go at the next `poll`: it may not be destroyed in its own callback."""
        self.tell(ended)
        self._graves.append(number)

    # Inside

    @property
    def _pj(self) -> Any:
        if self._endpoint is None:
            raise PhoneError("the telephone is not open")
        return self._endpoint

    def _new(self, pj_id: int = pj.PJSUA_INVALID_ID) -> Call:
        if self._account is None:
            raise PhoneError("the telephone has no line")
        self._made += 1
        call = self._calls[self._made] = Call(self, self._made, self._account, pj_id)
        return call

    def _forget(self, number: int) -> None:
        call = self._calls.pop(number)
        call.sound.drain()
        call.sound.close()
        let_go(call.sound)
        let_go(call)

    def _live(self, number: int) -> Call:
        call = self._calls.get(number)
        if call is None or call.over:
            raise PhoneError(f"call {number} is over")
        return call

    def _do(self, number: int, what: str, act: Callable[[Any], None]) -> None:
        try:
            act(self._live(number))
        except pj.Error as error:
            raise PhoneError(f"call {number} can not be {what}: {_reason(error)}") from error


def _reason(error: Any) -> str:
    return str(error.reason or error.title)
