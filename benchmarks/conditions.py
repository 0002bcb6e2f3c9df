"""What one condition costs: the closure beside two CEL packages and plain Python.

All answer the same cases rightly before they are timed. The Rust package is asked with
a context made beforehand, and with a dictionary made for each call, as a check has to.

    python -m benchmarks conditions
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import cel
import celpy
from celpy.adapter import json_to_cel

from benchmarks.measure import Work, interleaved, report
from rbac.policy import Bindings, parse_condition

TEXT = "context.hour >= 9 && context.hour <= 17 && resource.region == user.region"
Bag = Mapping[str, int | str]
Case = Mapping[str, Bag]
CASES: list[Case] = [
    {"user": {"region": mine}, "context": {"hour": hour}, "resource": {"region": its}}
    for hour in (8, 9, 13, 17, 18)
    for mine in ("north", "south")
    for its in ("north", "south")
]
# The longest way: every part is asked.
TIMED: Case = CASES[4]
ROUNDS, REPEAT = 200, 50


def main() -> None:
    """Print what one evaluation costs each contender."""
    makers: dict[str, Callable[[Case], Work]] = {
        "plain Python lambda (the limit)": _python,
        "ours: the closure": _closure,
        "CEL in Rust, context made beforehand": _rust_prepared,
        "CEL in Rust, a dictionary a call": _rust,
        "cel-python": _cel_python(),
    }
    for case in CASES:
        right = _python(case)()
        for name, make in makers.items():
            if bool(make(case)()) is not right:
                raise SystemExit(f"{name}: wrong answer to {case}")
    works = {name: make(TIMED) for name, make in makers.items()}
    samples = interleaved(works, rounds=ROUNDS, repeat=REPEAT)
    report(f"Condition: {TEXT}", samples, baseline="ours: the closure")


def _python(case: Case) -> Work:
    def evaluate(user: Bag, context: Bag, resource: Bag) -> bool:
        hour = int(context["hour"])
        return hour >= 9 and hour <= 17 and resource["region"] == user["region"]

    user, context, resource = (case[root] for root in ("user", "context", "resource"))
    return lambda: evaluate(user, context, resource)


def _closure(case: Case) -> Work:
    evaluate = parse_condition(TEXT).evaluate
    bindings = Bindings(case["user"], case["context"], case["resource"])
    return lambda: evaluate(bindings)


def _rust_prepared(case: Case) -> Work:
    program, context = cel.compile(TEXT), cel.Context(dict(case))
    return lambda: program.execute(context)


def _rust(case: Case) -> Work:
    program = cel.compile(TEXT)
    return lambda: program.execute(
        {root: dict(attributes) for root, attributes in case.items()}
    )


def _cel_python() -> Callable[[Case], Work]:
    environment = celpy.Environment()
    program = environment.program(environment.compile(TEXT))

    def make(case: Case) -> Work:
        activation = {root: json_to_cel(dict(bag)) for root, bag in case.items()}
        return lambda: program.evaluate(activation)

    return make


if __name__ == "__main__":
    main()
