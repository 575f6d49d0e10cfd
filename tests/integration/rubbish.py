"""What comes to an open port: other protocols, half a line, too much, nothing. Plain blocking sockets, in threads."""

from __future__ import annotations

import contextlib
import random
import socket
import threading
from collections.abc import Callable, Iterator

HTTP = b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
TLS = bytes.fromhex("16030100c8010000c403035f") + bytes(range(11, 200)) + b"\n"
SIP = b"OPTIONS sip:12345@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/TCP 127.0.0.1\r\n\r\n"

AGI = {
    "nothing": b"",
    "half a line": b"agi_network: ye",
    "a megabyte without a newline": b"x" * 1_000_000,
    "no end of the environment": b"agi_network: yes\n" + b"".join(b"agi_a%d: 1\n" % n for n in range(5000)),
    "HTTP": HTTP,
    "TLS": TLS,
    "SIP": SIP,
    "no such path": b"agi_network: yes\nagi_request: agi://x/y\nagi_network_script: y\n\n",
    "a call that is none": b"agi_network: yes\nagi_request: agi://x/route\nagi_network_script: route\n"
    b"agi_uniqueid: \xff'; DROP TABLE\nagi_dnid: 12319\nagi_channel: SIP/none\n\n",
    "a waiting call that is none": b"agi_network: yes\nagi_request: agi://x/waiting\n"
    b"agi_network_script: waiting\nagi_uniqueid: n1-1.1\n\n",
}
AMI = {
    "nothing": b"",
    "half a line": b"Action: Lo",
    "a megabyte without a newline": b"x" * 1_000_000,
    "HTTP": HTTP,
    "TLS": TLS,
    "a wrong secret": b"Action: Login\r\nUsername: yht\r\nSecret: wrong\r\n\r\n",
    "an action before the login": b"Action: Originate\r\nChannel: Local/1@x\r\n\r\n",
}


def sip(rng: random.Random) -> Iterator[bytes]:
    """Yield datagrams that no telephone would send."""
    tail = b"Via: SIP/2.0/UDP 127.0.0.2:5999;branch=z9hG4bK1\r\nFrom: <sip:a@b>;tag=1\r\nTo: <sip:b@c>\r\n"
    rest = b"Call-ID: %d@x\r\nCSeq: 1 %s\r\nMax-Forwards: 70\r\nContent-Length: 0\r\n\r\n"
    yield b""
    yield b"\0" * 1000
    yield b"\r\n\r\n"
    yield rng.randbytes(200)
    yield rng.randbytes(1400)
    for method in (b"BREW", b"\xff\xfe", b"INVITE" * 500, b"REFER", b"PUBLISH", b"SUBSCRIBE", b"BYE", b"ACK"):
        yield method + b" sip:12319@127.0.0.1 SIP/2.0\r\n" + tail + rest % (rng.getrandbits(30), method)
    yield b"INVITE sip:12319@127.0.0.1 SIP/2.0\r\n" + tail + b"X-Huge: " + b"h" * 60_000 + b"\r\n\r\n"
    yield b"INVITE sip:12319@127.0.0.1 SIP/2.0\r\n" + b"Via: SIP/2.0/UDP x\r\n" * 2000 + b"\r\n"
    yield b"INVITE sip:" + b"9" * 20_000 + b"@127.0.0.1 SIP/2.0\r\n" + tail + rest % (1, b"INVITE")
    yield (
        b"INVITE sip:12319@127.0.0.1 SIP/2.0\r\n"
        + tail
        + b"Content-Length: -1\r\nCall-ID: \r\nCSeq: x\r\n\r\n"
    )
    yield b"SIP/2.0 200 OK\r\n" + tail + rest % (2, b"INVITE")
    yield b"SIP/2.0 999999 OK\r\n\r\n"


def tell(port: int, said: bytes, within: float = 30.0) -> None:
    """Say something to a TCP port and read until the other side closes. Fails where it does not close."""
    peer = socket.create_connection(("127.0.0.1", port), timeout=within)
    with peer, contextlib.suppress(ConnectionError):
        peer.sendall(said)
        while peer.recv(65536):
            pass


def throw(port: int, source: str, datagrams: Iterator[bytes]) -> None:
    """Send datagrams to a UDP port of this machine from one address."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as peer:
        peer.bind((source, 0))
        for datagram in datagrams:
            with contextlib.suppress(ConnectionError):
                peer.sendto(datagram, ("127.0.0.1", port))


@contextlib.contextmanager
def going_on(*works: Callable[[], None]) -> Iterator[list[int]]:
    """Do each work again and again, each in a thread of its own; yields how often each was done."""
    enough = threading.Event()
    done = [0] * len(works)

    def repeat(number: int, work: Callable[[], None]) -> None:
        while not enough.wait(0.02):
            work()
            done[number] += 1

    threads = [threading.Thread(target=repeat, args=item) for item in enumerate(works)]
    for thread in threads:
        thread.start()
    try:
        yield done
    finally:
        enough.set()
        for thread in threads:
            thread.join()
