"""A small city for tests that need none of a city's files."""

from __future__ import annotations

from config.city import City
from config.schema.hotline import CaseRoute, Hotline
from config.schema.people import Agent, Queue, Seat, Unit
from config.schema.platform import Platform


def small_city() -> City:
    """12345 and 12319, one queue, two agents; cases of 12319 go to a tenant's unit."""

    def hotline(number: str, name: str, case: CaseRoute) -> Hotline:
        return Hotline(
            id=number,
            numbers=(number,),
            name=name,
            owner_unit="centre",
            greeting="g",
            queue="hall",
            case=case,
        )

    return City(
        platform=Platform(city="江门", area_code="0750"),
        hotlines=(
            hotline("12345", "政务服务便民热线", CaseRoute()),
            hotline("12319", "城市管理热线", CaseRoute(backend="tenant", unit="urban")),
        ),
        queues=(Queue(id="hall", name="综合坐席"),),
        agents=(
            Agent(id="1001", name="王芳", queues=("hall",)),
            Agent(id="1002", name="李强", queues=("hall",)),
        ),
        seats=(Seat(ext="1001"), Seat(ext="1002")),
        trunks=(),
        units=(Unit(id="centre", name="热线中心"), Unit(id="urban", name="城市管理局")),
        prompts={},
    )
