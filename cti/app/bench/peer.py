"""The other side of every measurement: app_queue on the same Asterisk, as additions to its files. Pure text.

The peer has a trunk and seats of its own, so that its calls reach none of our processes: its seat n is our
seat n at the same telephone under a number of its own.
"""

from __future__ import annotations

from collections.abc import Sequence

CONTEXT = "bench-peer"
TRUNK = "bench-peer"


def extensions(greeting: str) -> str:
    """Return the dialplan: dialing `<n>` waits in the queue of the first n seats, `9<n>` hears `greeting` first."""
    greeted = f" same => n,Playback({greeting})\n" if greeting else ""
    return (
        f"[{CONTEXT}]\n"
        "exten => _[1-8]!,1,Answer()\n"
        " same => n,Queue(bench-${EXTEN})\n"
        " same => n,Hangup(16)\n"
        "exten => _9!,1,Answer()\n"
        f"{greeted}"
        " same => n,Queue(bench-${EXTEN:1})\n"
        " same => n,Hangup(16)\n"
    )


def queues(seats: Sequence[str], sizes: Sequence[int]) -> str:
    """Return one queue `bench-<n>` for each size n, whose members are the first n of `seats`.

    The settings are those that serve callers soonest: autofill offers to every free member at once, a member
    who is busy is not tried, nobody is announced to, and no time passes between two calls of a member.
    """
    blocks = []
    for size in sizes:
        members = "".join(f"member => PJSIP/{seat}\n" for seat in seats[:size])
        blocks.append(
            f"[bench-{size}]\n"
            "strategy = rrmemory\n"
            "musicclass = default\n"
            "timeout = 15\n"
            "retry = 1\n"
            "wrapuptime = 0\n"
            "autofill = yes\n"
            "ringinuse = no\n"
            "joinempty = yes\n"
            "leavewhenempty = no\n"
            "announce-frequency = 0\n"
            "announce-holdtime = no\n"
            "announce-position = no\n"
            f"{members}"
        )
    return "\n".join(blocks)


def endpoints(seats: Sequence[str], telephone: tuple[str, int], address: str) -> str:
    """Return the peer's trunk, known by `address`, and its seats, all at `telephone`.

    They are set as the platform's own are (config/templates/asterisk/pjsip.conf.j2), so that a call costs the
    same before and after the queue.
    """
    trunk = (
        f"[{TRUNK}]\ntype = endpoint\ntransport = udp\ncontext = {CONTEXT}\ndisallow = all\nallow = alaw,ulaw\n"
        "direct_media = no\nrtp_symmetric = yes\ndtmf_mode = auto\ntrust_id_inbound = yes\nsend_rpid = no\n"
        "rtp_timeout = 60\nrtp_timeout_hold = 600\nallow_subscribe = no\nlanguage = zh\n\n"
        f"[{TRUNK}]\ntype = identify\nendpoint = {TRUNK}\nmatch = {address}\n\n"
    )
    template = (
        "[bench-seat](!)\ntype = endpoint\ntransport = udp\ncontext = yht-from-seat\ndisallow = all\n"
        "allow = alaw,ulaw\ndirect_media = no\nrtp_symmetric = yes\nforce_rport = yes\nrewrite_contact = yes\n"
        "dtmf_mode = auto\nrtp_timeout = 60\nrtp_timeout_hold = 600\nallow_subscribe = no\n"
        "device_state_busy_at = 1\nlanguage = zh\n\n"
    )
    host, port = telephone
    each = "".join(
        f"[{seat}](bench-seat)\naors = {seat}\n\n[{seat}]\ntype = aor\nmax_contacts = 1\n"
        f"contact = sip:{seat}@{host}:{port}\n\n"
        for seat in seats
    )
    return trunk + template + each
