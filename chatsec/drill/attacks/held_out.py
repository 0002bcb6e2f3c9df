"""Kinds of attack that judge the rules. Authors of rules do not read on.

Nothing in the rules may be fitted to what is below: these kinds are played in scoring
only, on seeds and on an organisation that tuning never sees.
"""

from __future__ import annotations

from itertools import cycle
from typing import Final

from chatsec.drill.attacks.staging import Kind, Stage, people_with, spread
from chatsec.drill.attacks.tuning import ANYBODY, LARGE
from chatsec.drill.model import HOUR, NOBODY, Person, Place
from chatsec.drill.ordinary import EVERYBODYS
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


def session_in_two_places(stage: Stage) -> None:
    """Use the victim's session from elsewhere, taken from his device, while he works.

    Nobody signs in a second time: the session is all that both have in common.
    """
    victim, chance = stage.people[0], stage.chance
    own = victim.places[0]
    place = stage.hostile_place(
        agent=own.agent if stage.has_mimicry else "python-requests/2.32"
    )
    stage.networks = frozenset({place.network})
    at = stage.working_hour(victim)
    stage.act(at, victim.index, "sign_in", own)
    # A session ends after half an hour without use: the owner keeps it alive.
    hours = 3.0 if stage.has_evasion else 1.0
    for moment in spread(at + 60, round(hours * 4), hours, chance):
        what = chance.choice(sorted(EVERYBODYS))
        stage.act(moment, victim.index, "ask", own, what)
    begin = at + 600
    if not stage.has_mimicry:
        # A look around first, as tools for it do.
        for number, page in enumerate(("people", "audit")):
            stage.act(begin + number * 4.0, victim.index, "open_page", place, page)
    times = spread(begin + 30, stage.times(20), hours - 0.25, chance)
    for moment, what in zip(times, cycle(LARGE[victim.role]), strict=False):
        stage.act(moment, victim.index, "ask", place, what)


def program_asks_for_more(stage: Stage) -> None:
    """Somebody who runs a program has its key ask what the program never asks."""
    program, chance = stage.people[0], stage.chance
    own = program.places[0]
    place = own if stage.has_mimicry else Place(own.address, "curl/8.5")
    questions: tuple[str, ...] = ("notes", "sellers", "regions", "top_products")
    if not stage.has_evasion:
        # Also what the key is not good for.
        questions = (*questions, "report")
    hours = 20.0 if stage.has_evasion else 1.0
    at = stage.midnight + chance.uniform(0, 3) * HOUR
    times = spread(at, stage.times(40), hours, chance)
    for moment, what in zip(times, cycle(questions), strict=False):
        stage.act(moment, program.index, "key_ask", place, what)


def exports_of_others(stage: Stage) -> None:
    """Sign in as people whose passwords are known and order all their data at once."""
    chance = stage.chance
    victims = stage.people[: stage.times(4)]
    network = stage.hostile_network()
    hours = 20.0 if stage.has_evasion else 1.0
    times = spread(stage.start(victims[0]), len(victims), hours, chance)
    for at, victim in zip(times, victims, strict=True):
        if stage.has_mimicry:
            at = stage.working_hour(victim)  # noqa: PLW2901 - when he is there
        place = stage.hostile_place(
            "" if stage.has_evasion else network,
            victim.places[0].agent if stage.has_mimicry else "",
        )
        stage.act(at, victim.index, "sign_in", place)
        stage.act(at + 40, victim.index, "ask", place, "own_data")
        stage.act(at + 90, victim.index, "export", place)


def is_program(person: Person) -> bool:
    """Whether it is the account of a program."""
    return person.is_program


# Whose large answers need no code: a session alone is worth something.
WITHOUT_CODES: Final = people_with("employee", "sales_rep", "sales_manager")
CLERKS: Final = people_with("hr_specialist", "sales_rep", "sales_manager")
KINDS: Final = (
    Kind("stuffing", ANYBODY, stuffing, days=2),
    Kind("takeover_at_home", ANYBODY, takeover_at_home),
    Kind("enumeration", CLERKS, enumeration, days=8),
    Kind("talking_it_over", ANYBODY, talking_it_over),
    Kind("stolen_key", is_program, stolen_key),
    Kind("session_in_two_places", WITHOUT_CODES, session_in_two_places),
    Kind("program_asks_for_more", is_program, program_asks_for_more),
    Kind("exports_of_others", ANYBODY, exports_of_others, days=2),
)
