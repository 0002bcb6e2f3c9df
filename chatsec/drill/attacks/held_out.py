"""Kinds of attack that judge the rules. Authors of rules do not read on.

Nothing in the rules may be fitted to what is below: these kinds are played in scoring
only, on seeds and on an organisation that tuning never sees.
"""

from __future__ import annotations

from itertools import cycle
from typing import Final

from chatsec.drill.attacks.staging import Kind, Stage, people_with, spread
from chatsec.drill.attacks.tuning import ANYBODY, LARGE
from chatsec.drill.model import NOBODY, Person, Place
from chatsec.drill.shapes import hostile_texts


def stuffing(stage: Stage) -> None:
    """Leaked pairs of name and password; most names are unknown, one pair is right."""
    networks = [stage.hostile_network() for _ in range(stage.times(6))]
    count = stage.times(80)
    hours = 16.0 if stage.has_evasion else 1.0
    start = stage.start(stage.people[0])
    victims = stage.people[: max(2, count // 5)]
    times = spread(start, count, hours, stage.chance)
    for number, at in enumerate(times):
        place = stage.hostile_place(networks[number % len(networks)])
        if number % 5:
            name = f"leaked-{stage.number}-{number}"
            stage.act(at, NOBODY, "wrong_password", place, name)
        else:
            victim = victims[number // 5 % len(victims)]
            stage.act(at, NOBODY, "wrong_password", place, to=victim.index)
    caught = victims[-1]
    place = stage.hostile_place(networks[-1])
    asked = zip(
        spread(times[-1] + 60, stage.times(10), 0.5, stage.chance),
        cycle(LARGE[caught.role]),
        strict=False,
    )
    stage.read(caught, place, asked)


def takeover_at_home(stage: Stage) -> None:
    """Act as a thief in the victim's own office network, by day."""
    victim = stage.people[0]
    own = victim.places[0]
    agent = own.agent if stage.has_mimicry else "Mozilla/5.0 (X11; CrOS) Chrome/120.0"
    place = Place(f"{own.network}.{stage.chance.randint(200, 250)}", agent)
    hours = 7.0 if stage.has_evasion else 1.0
    at = stage.working_hour(victim)
    for _ in range(0 if stage.has_mimicry else 2):
        stage.act(at - 60, NOBODY, "wrong_password", place, to=victim.index)
    times = spread(at, stage.times(25), hours, stage.chance)
    stage.read(victim, place, zip(times, cycle(LARGE[victim.role]), strict=False))


def enumeration(stage: Stage) -> None:
    """One record after the other, each small: a person, a department, a quarter."""
    traitor = stage.people[0]
    small = {
        "hr_specialist": ("record_one",),
        "sales_rep": ("own_sales_1", "own_sales_2", "products", "directory"),
        "sales_manager": ("sellers", "directory", "headcount", "products"),
    }[traitor.role]
    hours = 150.0 if stage.has_evasion else 1.5
    start = stage.working_hour(traitor)
    times = spread(start, stage.times(70), hours, stage.chance)
    stage.read(traitor, traitor.places[0], zip(times, cycle(small), strict=False))


def talking_it_over(stage: Stage) -> None:
    """Messages that try to talk the chatbot out of its rules."""
    traitor = stage.people[0]
    hours = 7.0 if stage.has_evasion else 0.5
    times = spread(stage.start(traitor), stage.times(8), hours, stage.chance)
    asked = zip(times, cycle(hostile_texts()), strict=False)
    stage.read(traitor, traitor.places[0], asked)


def stolen_key(stage: Stage) -> None:
    """Use the key of a program from elsewhere."""
    program = stage.people[0]
    own = program.places[0]
    place = stage.hostile_place(agent=own.agent if stage.has_mimicry else "curl/8.5")
    hours = 20.0 if stage.has_evasion else 1.0
    at = stage.midnight + stage.chance.uniform(0, 3) * 3600
    questions = cycle(("detail_1", "detail_2", "detail_3", "detail_4"))
    for moment, what in zip(
        spread(at, stage.times(60), hours, stage.chance), questions, strict=False
    ):
        stage.act(moment, program.index, "key_ask", place, what)


def is_program(person: Person) -> bool:
    """Whether it is the account of a program."""
    return person.is_program


CLERKS: Final = people_with("hr_specialist", "sales_rep", "sales_manager")
KINDS: Final = (
    Kind("stuffing", ANYBODY, stuffing, days=2),
    Kind("takeover_at_home", ANYBODY, takeover_at_home),
    Kind("enumeration", CLERKS, enumeration, days=8),
    Kind("talking_it_over", ANYBODY, talking_it_over),
    Kind("stolen_key", is_program, stolen_key),
)
