"""Figures of cases, each with the very cases behind it: ratios over the rows that the histories come to."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

from sqlalchemy import and_, case, func, literal, not_, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from caselink.tables import CaseLimitRow, CaseRow

By = Literal["", "unit", "hotline"]
_CASE: Final[Any] = CaseRow.__table__
_LIMIT: Final[Any] = CaseLimitRow.__table__


@dataclass(frozen=True, slots=True)
class Period:
    """From `start` on and before `end`; what is due is judged at `now` (all µs since the epoch)."""

    start: int
    end: int
    now: int

    def holds(self, column: Any) -> Any:
        """Return the condition that a moment lies in the period."""
        return and_(column >= self.start, column < self.end)


@dataclass(frozen=True, slots=True)
class Kpi:
    """One ratio: `good` ÷ `among`. `formula` says both for a person, `moment` the column that dates a row."""

    name: str
    chinese: str
    formula: str
    among: Callable[[Period], Any]
    good: Any
    moment: Any
    is_of_limits: bool = False


@dataclass(frozen=True, slots=True)
class Figure:
    """One ratio of one group ("" for all). `good` ÷ `among`; no percentage where there is nothing to divide by."""

    kpi: Kpi
    group: str
    good: int
    among: int

    @property
    def percent(self) -> float | None:
        """The ratio in percent."""
        return 100 * self.good / self.among if self.among else None


@dataclass(frozen=True, slots=True)
class Line:
    """One case behind a figure, and whether it counts as good; `at` dates it (µs)."""

    number: str
    group: str
    is_good: bool
    at: int
    state: str


_ACCEPTED: Final = not_(or_(_CASE.c.state == "rejected", _CASE.c.rule == "rejected"))
_DIRECT: Final = and_(
    _CASE.c.dispatched_at.is_(None),
    _CASE.c.state.in_(("direct_answer", "follow_up", "closed", "published")),
    _CASE.c.rule != "emergency_transferred",
)
_RATED: Final = _CASE.c.satisfied.is_not(None)


def _accepted(period: Period) -> Any:
    return and_(period.holds(_CASE.c.opened_at), _ACCEPTED)


def _closed(period: Period) -> Any:
    return and_(period.holds(_CASE.c.closed_at), _ACCEPTED)


def _due(stage: str) -> Callable[[Period], Any]:
    """Limits of a stage that have run out by now; one that was taken from the unit before does not count."""

    def among(period: Period) -> Any:
        limit = _LIMIT.c
        return and_(
            limit.stage == stage,
            period.holds(limit.due_at),
            limit.due_at <= period.now,
            or_(limit.ended != "moved", limit.ended_at > limit.due_at),
        )

    return among


_IN_TIME: Final = and_(_LIMIT.c.ended == "done", _LIMIT.c.ended_at <= _LIMIT.c.due_at)

KPIS: Final[tuple[Kpi, ...]] = (
    Kpi(
        "acknowledged_in_time",
        "按时签收率",
        "signed for in time ÷ due in the period",
        _due("acknowledge"),
        _IN_TIME,
        _LIMIT.c.due_at,
        is_of_limits=True,
    ),
    Kpi(
        "replied_in_time",
        "按时办结率",
        "replied in time ÷ due in the period",
        _due("reply"),
        _IN_TIME,
        _LIMIT.c.due_at,
        is_of_limits=True,
    ),
    Kpi(
        "completion",
        "办结率",
        "closed ÷ accepted in the period",
        _accepted,
        _CASE.c.closed_at.is_not(None),
        _CASE.c.opened_at,
    ),
    Kpi(
        "direct",
        "直办率",
        "answered with no dispatch ÷ accepted in the period",
        _accepted,
        _DIRECT,
        _CASE.c.opened_at,
    ),
    Kpi(
        "followed_up",
        "回访率",
        "reached by a follow-up ÷ closed in the period",
        _closed,
        _CASE.c.followed_up_at.is_not(None),
        _CASE.c.closed_at,
    ),
    Kpi(
        "rated",
        "参评率",
        "rated by the citizen ÷ reviewed in the period, which invites to rate",
        lambda period: period.holds(_CASE.c.reviewed_at),
        _CASE.c.rated_at.is_not(None),
        _CASE.c.reviewed_at,
    ),
    Kpi(
        "satisfied",
        "满意率",
        "satisfied ÷ valid answers (rating or follow-up) of cases closed in the period",
        lambda period: and_(_closed(period), _RATED),
        _CASE.c.satisfied.is_(True),
        _CASE.c.closed_at,
    ),
    Kpi(
        "repeated",
        "重复投诉率",
        "repeats ÷ complaints of the period",
        lambda period: and_(_accepted(period), _CASE.c.request_type == "complaint"),
        _CASE.c.repeat > 0,
        _CASE.c.opened_at,
    ),
    *(
        Kpi(
            f"{name}_of_followed_up",
            chinese,
            f"{name} ÷ reached by a follow-up in the period",
            lambda period: period.holds(_CASE.c.followed_up_at),
            _CASE.c[name].is_(True),
            _CASE.c.followed_up_at,
        )
        for name, chinese in (("contacted", "响应率"), ("solved", "解决率"), ("satisfied", "满意率(回访)"))
    ),
)
"""Every ratio, in the order in which they are shown."""


async def figures(session: AsyncSession, period: Period, by: By = "") -> tuple[Figure, ...]:
    """Return every ratio, of all together and, if asked, of each unit or hotline."""
    found = []
    for kpi in KPIS:
        group = _group(kpi, by)
        good = func.sum(case((kpi.good, 1), else_=0))
        query = _source(select(group, good, func.count()), kpi).where(kpi.among(period)).group_by(group)
        rows = [(str(name or ""), int(ok or 0), count) for name, ok, count in await session.execute(query)]
        if by:
            total = sum(ok for _, ok, _ in rows), sum(count for _, _, count in rows)
            found.append(Figure(kpi, "", *total))
            found += [Figure(kpi, name or "-", ok, count) for name, ok, count in sorted(rows)]
        else:
            found += [Figure(kpi, "", ok, count) for _, ok, count in rows] or [Figure(kpi, "", 0, 0)]
    return tuple(found)


async def cases_behind(
    session: AsyncSession, kpi: Kpi, period: Period, by: By = "", limit: int = 100
) -> Sequence[Line]:
    """Return the cases that a ratio counts, those that do not count as good first, then by time."""
    good = case((kpi.good, 1), else_=0)
    columns = (_CASE.c.number, _group(kpi, by), good, kpi.moment, _CASE.c.state)
    query = _source(select(*columns), kpi).where(kpi.among(period))
    query = query.order_by(good, kpi.moment, _CASE.c.number).limit(limit)
    return [
        Line(number, str(group or ""), bool(ok), at, state)
        for number, group, ok, at, state in await session.execute(query)
    ]


def _group(kpi: Kpi, by: By) -> Any:
    if by == "hotline":
        return _CASE.c.hotline
    if by == "unit":
        return _LIMIT.c.unit if kpi.is_of_limits else _CASE.c.unit
    return literal("")


def _source(query: Any, kpi: Kpi) -> Any:
    if not kpi.is_of_limits:
        return query.select_from(_CASE)
    return query.select_from(_LIMIT.join(_CASE, _CASE.c.id == _LIMIT.c.case_id))
