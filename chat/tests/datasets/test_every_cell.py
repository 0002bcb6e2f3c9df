"""Every cell against a plain evaluator of grants: rows, columns, masks and denies."""

import hashlib
import hmac
from datetime import date
from decimal import ROUND_FLOOR, Decimal
from random import Random  # noqa: TID251 - reproducible cases, nothing secret

import pytest

from chat.tests.datasets.staff import ROWS, TYPES, fetched, spec_with, view_of
from chatsec.core import crypto

OWN_REGION = "resource.region == user.region"
OWN_TEAM = "resource.team == user.team"
WELL_PAID = "resource.salary > 1000"
FILTERS = ["", "", OWN_REGION, OWN_TEAM, WELL_PAID, "resource.secret == 1"]
CONDITIONS = ["", "", "", "context.yes", "context.no", OWN_REGION]
MASKS = {
    "salary": ["", "", "null", "hash", "last4", "bucket:1000", "bucket:500.5"],
    "account": ["", "null", "hash", "last4", "bucket:10"],
    "hired_on": ["", "null", "bucket:month", "bucket:year", "hash", "last4"],
    "region": ["", "hash"],
    "team": [""],
    "number": [""],
}


def entry(random, name):
    mask = random.choice(MASKS[name])
    return f"{name}:{mask}" if mask else name


def line(random):
    effect = random.choice(["allow", "allow", "allow", "deny"])
    named = random.sample(list(TYPES), random.randint(1, 4))
    if effect == "deny":
        columns = random.choice([None, named[:2], named[:1]])
    else:
        columns = random.choice([None, *[[entry(random, n) for n in named]] * 3])
    return {
        "effect": effect,
        "condition": random.choice(CONDITIONS),
        "row_filter": random.choice(FILTERS),
        "columns": columns,
    }


def truth_of(text, row, context):
    """Evaluate one of the conditions by hand, three-valued."""
    known = {
        "": True,
        OWN_REGION: None if row["region"] is None else row["region"] == "north",
        OWN_TEAM: None if row["team"] is None else row["team"] == "n1",
        WELL_PAID: None if row["salary"] is None else row["salary"] > 1000,
        "context.yes": context["yes"],
        "context.no": context["no"],
    }
    return known.get(text)


ORDER = ["", "bucket", "last4", "hash", "null"]


def strictness(mask):
    kind, _, size = mask.partition(":")
    width = {"month": 1, "year": 2, "": 0}.get(size)
    return ORDER.index(kind), Decimal(size) if width is None else Decimal(width)


def fits(mask, kind):
    name, _, size = mask.partition(":")
    if name == "bucket":
        return (kind == "date") if size in ("month", "year") else kind == "integer"
    return kind != "date" if name == "last4" else True


def expected(lines, row, column, context, floor=""):
    """Return as what the cell is to be shown: a mask, or None where it is not."""
    masks = []
    for one in lines:
        holds = [
            truth_of(one[name], row, context) for name in ("condition", "row_filter")
        ]
        if one["columns"] is None:
            covered = ""
        else:
            named = dict((e + ":").split(":", 1) for e in one["columns"])
            if column not in named:
                continue
            covered = named[column].rstrip(":")
        if one["effect"] == "deny":
            if False not in holds:
                return None
        elif holds == [True, True]:
            fit = covered if fits(covered, TYPES[column]) else "null"
            masks.append(max(fit, floor, key=strictness))
    return min(masks, key=strictness, default=None)


def shown_as(mask, column, value):
    """Return what a cell looks like under a mask, reckoned in Python."""
    if value is None or mask in (None, "null"):
        return None
    text = value.isoformat() if isinstance(value, date) else str(value)
    kind, _, size = mask.partition(":")
    match kind:
        case "bucket" if size in ("month", "year"):
            return text[:7] if size == "month" else text[:4]
        case "bucket":
            width = Decimal(size)
            return (value / width).to_integral_value(ROUND_FLOOR) * width
        case "last4":
            return "****" + text[-4:] if len(text) >= 8 else "****"
        case "hash":
            key = crypto.derived_key(f"mask:staff.{column}")
            return hmac.new(key, text.encode(), hashlib.sha256).hexdigest()[:16]
        case _:
            return value


def same(cell, wanted):
    if cell is None or wanted is None:
        return cell is wanted
    if isinstance(wanted, (int, Decimal)):
        return Decimal(str(cell)) == wanted
    return str(cell) == str(wanted)


OPEN, LIMITED = spec_with(), spec_with(salary="bucket:2000")
COMPARED = 10


def compare(connection, count, seed):
    """Return unauthorised cells, wrongly hidden cells and all cells compared."""
    random = Random(seed)
    leaks = losses = cells = 0
    for number in range(count):
        lines = [line(random) for _ in range(random.randint(1, 4))]
        yes = random.random() < 0.5
        context = {"yes": yes, "no": not yes}
        floor = "bucket:2000" if number % 7 == 0 else ""
        spec = LIMITED if floor else OPEN
        rows = dict(fetched(connection, spec, view_of(lines, context, spec)))
        for row in random.sample(ROWS, COMPARED):
            for column in TYPES:
                least = floor if column == "salary" else ""
                mask = expected(lines, row, column, context, least)
                wanted = shown_as(mask, column, row[column])
                cell = rows.get(row["number"], {}).get(column)
                cells += 1
                if same(cell, wanted):
                    continue
                leaks += cell is not None
                losses += cell is None
    return leaks, losses, cells


def test_no_cell_is_shown_that_the_grants_do_not_cover(staff):
    assert compare(staff, 2_000, seed=1) == (0, 0, 2_000 * COMPARED * len(TYPES))


@pytest.mark.prove
def test_no_cell_is_shown_that_the_grants_do_not_cover_at_length(staff):
    leaks, losses, _ = compare(staff, 12_000, seed=2)

    assert (leaks, losses) == (0, 0)
