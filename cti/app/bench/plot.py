"""A small line chart as SVG text, both axes logarithmic: how a number grows with the size of the problem. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterable
from xml.sax.saxutils import escape

from cti.app.bench.figures import Growth

WIDTH, HEIGHT = 720, 440
LEFT, RIGHT, TOP, BOTTOM = 80, 170, 50, 60
COLOURS = ("#1f6feb", "#d1480f", "#2e8540", "#8250df", "#6e7781")


def _decades(values: Iterable[float]) -> tuple[int, int]:
    ranked = sorted(values)
    low, high = math.floor(math.log10(ranked[0])), math.ceil(math.log10(ranked[-1]))
    return low, max(high, low + 1)


def _tick(power: int) -> str:
    return f"{10**power:,}" if 0 <= power <= 6 else f"1e{power}"


def svg(growth: Growth) -> str:
    """Draw a growth. Raises ValueError if it has no point, or one that is not above zero (the axes are log)."""
    points = [point for line in growth.series.values() for point in line]
    if not points or any(x <= 0 or y <= 0 for x, y in points):
        raise ValueError(f"{growth.name}: a logarithmic chart needs points above zero")
    x_low, x_high = _decades(x for x, _ in points)
    y_low, y_high = _decades(y for _, y in points)

    def across(x: float) -> float:
        return LEFT + (math.log10(x) - x_low) / (x_high - x_low) * (WIDTH - LEFT - RIGHT)

    def up(y: float) -> float:
        return HEIGHT - BOTTOM - (math.log10(y) - y_low) / (y_high - y_low) * (HEIGHT - TOP - BOTTOM)

    right, bottom = WIDTH - RIGHT, HEIGHT - BOTTOM
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{HEIGHT}" '
        'font-family="sans-serif" font-size="12" fill="#24292f">',
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>',
        f'<text x="{LEFT}" y="28" font-size="15" font-weight="bold">{escape(growth.title)}</text>',
    ]
    for power in range(x_low, x_high + 1):
        x = across(10.0**power)
        parts.append(f'<line x1="{x:.1f}" y1="{TOP}" x2="{x:.1f}" y2="{bottom}" stroke="#d8dee4"/>')
        parts.append(f'<text x="{x:.1f}" y="{bottom + 18}" text-anchor="middle">{_tick(power)}</text>')
    for power in range(y_low, y_high + 1):
        y = up(10.0**power)
        parts.append(f'<line x1="{LEFT}" y1="{y:.1f}" x2="{right}" y2="{y:.1f}" stroke="#d8dee4"/>')
        parts.append(f'<text x="{LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">{_tick(power)}</text>')
    middle = (LEFT + right) / 2
    parts.append(f'<text x="{middle}" y="{HEIGHT - 16}" text-anchor="middle">{escape(growth.across)}</text>')
    parts.append(f'<text x="{LEFT}" y="{TOP - 8}">{escape(growth.up)}</text>')
    for index, (name, line) in enumerate(growth.series.items()):
        colour = COLOURS[index % len(COLOURS)]
        path = " ".join(f"{across(x):.1f},{up(y):.1f}" for x, y in line)
        parts.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>')
        parts += [f'<circle cx="{across(x):.1f}" cy="{up(y):.1f}" r="3.5" fill="{colour}"/>' for x, y in line]
        y = TOP + 20 * index + 10
        parts.append(f'<circle cx="{right + 16}" cy="{y - 4}" r="5" fill="{colour}"/>')
        parts.append(f'<text x="{right + 28}" y="{y}">{escape(name)}</text>')
    return "\n".join((*parts, "</svg>", ""))
