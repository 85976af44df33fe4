"""Small line problems for the tests, made here."""

from __future__ import annotations

from hypothesis import strategies as st

from factory_orders.line.model import LineCar, LineProblem, Objective, Ratio

PAINTS = ("RED", "BLUE", "GOLD")
OPTIONS = ("ROOF", "HOOK", "SPORT")


def car(number: int, paint: str = "RED", *options: str) -> LineCar:
    return LineCar(f"c{number:03}", paint, frozenset(options))


def problem(
    cars: list[LineCar],
    *ratios: Ratio,
    tail: tuple[LineCar, ...] = (),
    frozen: int = 0,
    run_max: int | None = None,
    objectives: tuple[Objective, ...] = (Objective.HIGH, Objective.PAINT, Objective.LOW),
    whole: bool = False,
) -> LineProblem:
    return LineProblem("made", tuple(cars), ratios, objectives, tail, frozen, run_max, whole)


_kinds = st.tuples(st.sampled_from(PAINTS), st.frozensets(st.sampled_from(OPTIONS)))
_ratios = st.tuples(
    *(
        st.tuples(st.integers(1, 3), st.integers(0, 4), st.booleans()).map(
            lambda drawn, option=option: Ratio(option, drawn[0], drawn[0] + drawn[1], drawn[2])  # type: ignore[misc]  # bound per option
        )
        for option in OPTIONS
    )
)


def problems(*, most: int, run_max: bool = False) -> st.SearchStrategy[LineProblem]:
    """Draw whole problems of up to that many cars, with a tail and a frozen head; with a run limit only where asked."""

    @st.composite
    def build(draw: st.DrawFn) -> LineProblem:
        kinds = draw(st.lists(_kinds, min_size=1, max_size=most))
        before = draw(st.lists(_kinds, max_size=5))
        return LineProblem(
            name="drawn",
            cars=tuple(LineCar(f"c{number}", *kind) for number, kind in enumerate(kinds)),
            ratios=draw(_ratios),
            objectives=tuple(draw(st.permutations(list(Objective)))),
            tail=tuple(LineCar(f"t{number}", *kind) for number, kind in enumerate(before)),
            frozen=draw(st.integers(0, len(kinds))),
            paint_run_max=draw(st.integers(1, 4)) if run_max else None,
            whole_windows_only=draw(st.booleans()),
        )

    return build()
