"""Draws the case loop from its table: an SVG of states and ways, and a table in Markdown. Pure.

Only where a state stands on the page is said here; which arrows there are, and what is written on them, is the
loop's. Ways that leave a case where it is are in the table alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from html import escape
from types import MappingProxyType
from typing import Final

from caselink.loop import AT_UNIT, ENDED, STATES, TRANSITIONS, Action, State

CHINESE: Final[Mapping[str, str]] = MappingProxyType(
    {
        "received": "已受理",
        "registered": "已登记",
        "direct_answer": "直办",
        "rejected": "不予受理",
        "emergency_transferred": "转紧急号码",
        "dispatched": "已派单",
        "return_requested": "申请退单",
        "arbitration": "争议裁定",
        "acknowledged": "已签收",
        "in_progress": "办理中",
        "extension_requested": "申请延期",
        "replied": "已答复",
        "rework": "重办",
        "reviewed": "已审核",
        "rated": "已评价",
        "follow_up": "回访",
        "closed": "办结",
        "published": "已公开",
    }
)
"""What states are called on pages."""

_WIDE, _HIGH, _COLUMN, _ROW, _EDGE, _SIDE = 164, 44, 400, 112, 30, 120
_PLACES: Final[Mapping[State, tuple[int, int]]] = MappingProxyType(
    {
        "received": (1, 0),
        "direct_answer": (0, 2),
        "rejected": (0, 3),
        "emergency_transferred": (0, 4),
        "registered": (1, 1),
        "dispatched": (1, 2),
        "return_requested": (2, 1),
        "arbitration": (2, 0),
        "acknowledged": (1, 3),
        "in_progress": (1, 4),
        "extension_requested": (2, 4),
        "rework": (2, 6),
        "replied": (1, 5),
        "reviewed": (1, 6),
        "rated": (2, 8),
        "follow_up": (1, 9),
        "closed": (0, 10),
        "published": (0, 11),
    }
)


def svg() -> str:
    """Return the state diagram."""
    columns = max(column for column, _ in _PLACES.values())
    rows = max(row for _, row in _PLACES.values())
    width, height = columns * _COLUMN + _WIDE + 2 * _SIDE, rows * _ROW + _HIGH + 2 * _EDGE
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" '
        f'height="{height}" font-family="sans-serif" font-size="12">',
        '<defs><marker id="tip" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="7" markerHeight="7" '
        'orient="auto"><path d="M0 0 8 4 0 8z" fill="#555"/></marker></defs>',
        f'<rect width="{width}" height="{height}" fill="#fff"/>',
        *_arrows(),
        *_boxes(),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def markdown() -> str:
    """Return every way as a table: state, action, state after it, who, needed data."""
    lines = ["| state | action | then | by | needs |", "|---|---|---|---|---|"]
    for (state, action), way in _merged().items():
        needs = ", ".join((*way.needs, *(f"limit of {stage}" for stage in way.limits)))
        roles = ", ".join(sorted(way.roles))
        lines.append(f"| {state} | `{action}` | {way.to} | {roles} | {needs} |")
    return "\n".join(lines) + "\n"


class _Row:
    """Ways that differ in their state alone, told in one line."""

    def __init__(
        self, to: str, roles: frozenset[str], needs: tuple[str, ...], limits: tuple[str, ...]
    ) -> None:
        self.to, self.roles, self.needs, self.limits = to, roles, needs, limits


def _merged() -> dict[tuple[str, Action], _Row]:
    grouped: dict[tuple[Action, str, frozenset[str], tuple[str, ...], tuple[str, ...]], list[str]] = {}
    for (state, action), way in TRANSITIONS.items():
        to = "the same" if way.to == state else f"`{way.to}`"
        roles = frozenset[str](way.roles)
        grouped.setdefault((action, to, roles, way.needs, tuple(way.limits)), []).append(state)
    found = {}
    for (action, to, roles, needs, limits), states in grouped.items():
        every = (
            "any" if len(states) == len(STATES) - 1 else ", ".join(f"`{state}`" for state in states if state)
        )
        found[every or "a new case", action] = _Row(to, roles, needs, limits)
    return found


def _boxes() -> Iterator[str]:
    for state in STATES[1:]:
        x, y = _corner(state)
        fill = "#e7f0fb" if state in AT_UNIT else "#eef6ea" if state in ENDED else "#fdf6e3"
        yield (
            f'<rect x="{x}" y="{y}" width="{_WIDE}" height="{_HIGH}" rx="8" fill="{fill}" stroke="#555"/>'
            f'<text x="{x + _WIDE // 2}" y="{y + 18}" text-anchor="middle">{escape(CHINESE[state])}</text>'
            f'<text x="{x + _WIDE // 2}" y="{y + 35}" text-anchor="middle" fill="#555">{escape(state)}</text>'
        )


def _arrows() -> Iterator[str]:
    labels: dict[tuple[State, State], list[str]] = {}
    for (state, action), way in TRANSITIONS.items():
        if state and way.to != state:
            labels.setdefault((state, way.to), []).append(action)
    for (start, end), actions in labels.items():
        yield _arrow(start, end, actions, both=(end, start) in labels)


def _arrow(start: State, end: State, actions: list[str], *, both: bool) -> str:
    (ax, ay), (bx, by) = _corner(start), _corner(end)
    down = by > ay
    middle, half = _WIDE // 2, _HIGH // 2
    shift = (26 if down or (ay == by and bx > ax) else -26) if both else 0
    if ax == bx and abs(by - ay) == _ROW and (down or both):
        x1 = x2 = ax + middle + shift
        y1, y2 = (ay + _HIGH, by) if down else (ay, by + _HIGH)
        path = f"M{x1} {y1}L{x2} {y2}"
        tx, ty = x1 + 6, (y1 + y2) // 2 + 4 - 6 * (len(actions) - 1)
        anchor = "start"
    elif ax == bx:
        # Past others in the same column: around them, on the right where it goes up, else on the left.
        side = -1 if down else 1
        x1 = ax if side < 0 else ax + _WIDE
        reach = x1 + side * (24 + abs(by - ay) // 9)
        y1, y2 = ay + half - 8 * side, by + half + 8 * side
        path = f"M{x1} {y1}C{reach} {y1} {reach} {y2} {x1} {y2}"
        tx, ty, anchor = (x1 * 2 + reach * 6) // 8, (y1 + y2) // 2, "end" if side < 0 else "start"
    else:
        right = bx > ax
        x1, x2 = (ax + _WIDE, bx) if right else (ax, bx + _WIDE)
        y1, y2 = ay + half + shift // 3, by + half + shift // 3
        bend = (x1 + x2) // 2
        path = f"M{x1} {y1}C{bend} {y1} {bend} {y2} {x2} {y2}"
        # Near its beginning, where ways are still apart: the point of the curve at 0.22.
        tx, ty = round(x1 + (x2 - x1) * 0.29), round(y1 + (y2 - y1) * 0.124) + 4 - 6 * (len(actions) - 1)
        anchor = "middle"
    lines = "".join(
        f'<tspan x="{tx}" dy="{0 if place == 0 else 12}">{escape(action)}</tspan>'
        for place, action in enumerate(actions)
    )
    return (
        f'<path d="{path}" fill="none" stroke="#555" marker-end="url(#tip)"/>'
        f'<text x="{tx}" y="{ty}" text-anchor="{anchor}" font-size="10" fill="#333" stroke="#fff" '
        f'stroke-width="3" paint-order="stroke">{lines}</text>'
    )


def _corner(state: State) -> tuple[int, int]:
    column, row = _PLACES[state]
    return _SIDE + column * _COLUMN, _EDGE + row * _ROW
