"""The kinds of attack that the authors of rules may read and tune on.

The first person of a stage is the victim or the traitor, the rest are whoever else is
needed.
"""

from __future__ import annotations

from itertools import cycle, islice
from typing import Final

from chatsec.drill.attacks.staging import Kind, Stage, people_with, spread
from chatsec.drill.model import DAY, HOUR, NOBODY, Person
from chatsec.drill.ordinary import MISTAKEN

ANYBODY: Final = people_with(
    "employee", "sales_rep", "sales_manager", "hr_specialist", "finance"
)
READERS: Final = people_with("sales_manager", "hr_specialist", "sales_rep")
# What there is most of to read, by role.
LARGE: Final = {
    "employee": ("directory", "headcount"),
    "admin": ("directory", "headcount"),
    "sales_rep": ("notes", "products"),
    "sales_manager": ("detail_1", "detail_2", "detail_3", "detail_4", "team_1"),
    "hr_specialist": ("records", "reviews"),
    "finance": ("report", "products", "trend"),
}
# How much more than usual somebody reads who does it slowly.
SLOW_FACTORS: Final = {0.25: 2.0, 0.5: 2.5, 1.0: 3.5, 2.0: 5.0, 4.0: 6.0}


def is_dormant(person: Person) -> bool:
    """Whether nobody has used the account for weeks."""
    return person.dormant_from is not None


def spray_from_one_network(stage: Stage) -> None:
    """One password against many accounts, from one network."""
    network = stage.hostile_network()
    victims = stage.people[: stage.times(40)]
    hours = 10.0 if stage.has_evasion else 0.5
    start = stage.start(victims[0])
    for at, victim in zip(
        spread(start, len(victims), hours, stage.chance), victims, strict=True
    ):
        place = stage.hostile_place(network)
        stage.act(at, NOBODY, "wrong_password", place, to=victim.index)


def spray_from_many_networks(stage: Stage) -> None:
    """One password against many accounts, each time from elsewhere."""
    victims = stage.people[: stage.times(40)]
    hours = 20.0 if stage.has_evasion else 2.0
    start = stage.start(victims[0])
    for at, victim in zip(
        spread(start, len(victims), hours, stage.chance), victims, strict=True
    ):
        place = stage.hostile_place()
        stage.act(at, NOBODY, "wrong_password", place, to=victim.index)


def slow_brute_force(stage: Stage) -> None:
    """Many passwords against one account, too slowly to lock it."""
    victim = stage.people[0]
    count = stage.times(40)
    pace = 900.0 if stage.has_evasion else 100.0
    network = stage.hostile_network()
    at = stage.start(victim)
    for _ in range(count):
        place = stage.hostile_place("" if stage.has_evasion else network)
        stage.act(at, NOBODY, "wrong_password", place, to=victim.index)
        at += pace * stage.chance.uniform(0.9, 1.3)


def takeover_from_elsewhere(stage: Stage) -> None:
    """Somebody else signs in as the victim, looks around and reads."""
    victim = stage.people[0]
    agent = victim.places[0].agent if stage.has_mimicry else "curl/8.5"
    place = stage.hostile_place(agent=agent)
    start = (
        stage.working_hour(victim) if stage.has_mimicry else stage.dead_of_night(victim)
    )
    hours = 8.0 if stage.has_evasion else 1.0
    questions = cycle((*LARGE[victim.role], MISTAKEN[victim.role][0]))
    if stage.has_evasion:
        questions = cycle(LARGE[victim.role])
    times = spread(start, stage.times(20), hours, stage.chance)
    stage.read(victim, place, zip(times, questions, strict=False))


def code_guessing(stage: Stage) -> None:
    """Guess codes, the password being known."""
    victim = stage.people[0]
    pace = 400.0 if stage.has_evasion else 60.0
    agent = victim.places[0].agent if stage.has_mimicry else ""
    place = stage.hostile_place(agent=agent)
    at = stage.start(victim)
    for _ in range(stage.times(12)):
        stage.act(at, NOBODY, "wrong_code", place, to=victim.index)
        at += pace * stage.chance.uniform(0.8, 1.2)


def burst_of_denials(stage: Stage) -> None:
    """Somebody tries one thing after the other that is not his to ask."""
    traitor = stage.people[0]
    count = stage.times(8)
    hours = count / 8.0 if stage.has_evasion else 0.1
    questions = cycle(MISTAKEN[traitor.role])
    times = spread(stage.start(traitor), count, hours, stage.chance)
    stage.read(traitor, traitor.places[0], zip(times, questions, strict=False))


def slow_probing(stage: Stage) -> None:
    """Try such things a few times a day for days, below every public limit."""
    traitor = stage.people[0]
    days = 5 if stage.has_evasion else 3
    count = stage.times(24)
    questions = islice(cycle(MISTAKEN[traitor.role]), count)
    start = stage.working_hour(traitor)
    times = [
        start + (number % days) * DAY + stage.chance.uniform(0, 5) * HOUR
        for number in range(count)
    ]
    asked = zip(sorted(times), questions, strict=True)
    stage.read(traitor, traitor.places[0], asked)


def bulk_reading(stage: Stage) -> None:
    """Somebody takes along whatever he may read, as fast as it goes."""
    traitor = stage.people[0]
    hours = 7.0 if stage.has_evasion else 1.0
    times = spread(stage.start(traitor), stage.times(60), hours, stage.chance)
    questions = cycle(LARGE[traitor.role])
    stage.read(traitor, traitor.places[0], zip(times, questions, strict=False))


def slow_reading(stage: Stage) -> None:
    """Somebody reads a few times more than usual, for a week."""
    traitor = stage.people[0]
    factor = SLOW_FACTORS[stage.strength] - 1.0
    days = 7 if stage.has_evasion else 5
    start = stage.working_hour(traitor)
    questions = cycle(LARGE[traitor.role])
    asked: list[tuple[float, str]] = []
    for day in range(days):
        count = max(1, round(traitor.volume * factor))
        times = spread(start + day * DAY, count, 4.0, stage.chance)
        asked += zip(times, questions, strict=False)
    stage.read(traitor, traitor.places[0], asked)


def grant_then_read(stage: Stage) -> None:
    """Give a role to an accomplice, who reads at once what it opens."""
    accomplice = stage.people[0]
    admin = next(person for person in stage.people if person.role == "admin")
    at = stage.working_hour(admin) if stage.has_mimicry else stage.dead_of_night(admin)
    stage.act(at, admin.index, "sign_in", admin.places[0])
    role = "sales_manager"
    stage.act(at + 40, admin.index, "grant", admin.places[0], role, to=accomplice.index)
    hours = 8.0 if stage.has_evasion else 0.7
    times = spread(at + 600, stage.times(30), hours, stage.chance)
    asked = zip(times, cycle(LARGE[role]), strict=False)
    stage.read(accomplice, accomplice.places[0], asked)


def return_of_the_dormant(stage: Stage) -> None:
    """Use an account that nobody has used for weeks."""
    victim = stage.people[0]
    place = victim.places[1] if stage.has_mimicry else stage.hostile_place()
    hours = 7.0 if stage.has_evasion else 0.5
    times = spread(stage.start(victim), stage.times(15), hours, stage.chance)
    asked = zip(times, cycle(LARGE[victim.role]), strict=False)
    stage.read(victim, place, asked)


def reading_at_night(stage: Stage) -> None:
    """Somebody reads at an hour at which he is never there."""
    traitor = stage.people[0]
    nights = 4 if stage.has_evasion else 1
    count = stage.times(25)
    start = stage.dead_of_night(traitor)
    times = []
    for night in range(nights):
        share = max(1, count // nights)
        times += spread(start + night * DAY, share, 1.5, stage.chance)
    place = traitor.places[0 if stage.has_mimicry else 1]
    stage.read(traitor, place, zip(times, cycle(LARGE[traitor.role]), strict=False))


KINDS: Final = (
    Kind("spray_from_one_network", ANYBODY, spray_from_one_network),
    Kind("spray_from_many_networks", ANYBODY, spray_from_many_networks),
    Kind("slow_brute_force", ANYBODY, slow_brute_force, days=2),
    Kind("takeover_from_elsewhere", ANYBODY, takeover_from_elsewhere),
    Kind("code_guessing", people_with("hr_specialist", "finance"), code_guessing),
    Kind("burst_of_denials", ANYBODY, burst_of_denials),
    Kind("slow_probing", ANYBODY, slow_probing, days=5),
    Kind("bulk_reading", READERS, bulk_reading),
    Kind("slow_reading", READERS, slow_reading, days=7),
    Kind("grant_then_read", people_with("employee"), grant_then_read),
    Kind("return_of_the_dormant", is_dormant, return_of_the_dormant),
    Kind("reading_at_night", READERS, reading_at_night, days=4),
)
