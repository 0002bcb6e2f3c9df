"""Conditions written to break the reader: refused with a place, or answered; in time.

What is read is also worded as SQL and run, and must answer there what the closure does.
"""

# ruff: noqa: RUF001 - look-alike characters are what is tested

from __future__ import annotations

import re
import signal
from contextlib import contextmanager
from datetime import UTC, datetime

import pytest
from django.db import connection

from rbac.policy import Bindings, ConditionError, Kind, parse_condition
from rbac.policy.sql import SqlWriter

SECONDS = 2
COLUMNS = {"name": Kind.TEXT, "amount": Kind.NUMBER, "active": Kind.BOOLEAN}
ROWS = [
    {"name": None, "amount": None, "active": None},
    {"name": "", "amount": 0, "active": False},
    {"name": "'; DROP TABLE x; --", "amount": 2**63 - 1, "active": True},
    {"name": "10.0.0.1", "amount": -1, "active": True},
]
NOW = datetime(2026, 3, 29, 1, 30, tzinfo=UTC)
BAGS = [
    {},
    {"x": "10.0.0.1", "now": NOW, "ip": "10.0.0.1"},
    {"x": 10**999, "now": datetime.min.replace(tzinfo=UTC), "ip": "fe80::1%eth0"},
    {"x": "'; DROP TABLE x; --", "now": datetime.max.replace(tzinfo=UTC), "ip": ""},
    {"x": True, "now": "2026-01-01T00:00:00Z", "ip": "999.1.1.1"},
    {"x": ["a"], "now": 1e308, "ip": b"\x00"},
    {"x": "\ud800", "now": float("nan"), "ip": "0x7f.1"},
]

DEEP = [
    f"{opening * count}{inside}{closing * count}"
    for opening, inside, closing in [
        ("(", "true", ")"),
        ("!", "true", ""),
        ("!(", "true", ")"),
        ("(!", "user.x == 1", ")"),
        ("(", "", ""),
        ("", "", ")"),
        ("[", "1", "]"),
        ("user.x in [", "1", "]"),
        ("true ? (", "true", ") : false"),
        ("true ? true : ", "true", ""),
        ("has(", "user.x", ")"),
        ("user.x.contains(", "'a'", ")"),
        ("-", "1", " == 1"),
    ]
    for count in (31, 33, 400, 2000)
]
LONG = [
    " || ".join(["true"] * 240),
    " || ".join(["user.x == 1"] * 120),
    " && ".join(["user.x != 'a'"] * 200),
    "+".join(["1"] * 12_500),
    " || ".join(["true"] * 12_500),
    "user.x in [" + ", ".join(map(str, range(400))) + "]",
    "user.x in [" + ", ".join(["resource.name"] * 200) + "]",
    "user." + "x" * 63 + " == 1",
    "user." + "x" * 64 + " == 1",
    "user." + "x" * 4000,
    "a" * 4096,
    "é" * 2048,
    " " * 4096,
    "\n" * 4090 + "true",
    "\n" * 4000 + "@",
    "user.x == '" + "a" * 4000 + "'",
    "user.x == '" + "\\u0041" * 600 + "'",
    "user.x == '" + "\\" * 4001,
    "true" + "\t" * 5000,
]
NUMBERS = [
    f"user.x == {number}"
    for number in [
        "9223372036854775807",
        "9223372036854775808",
        "-9223372036854775808",
        "9" * 4000,
        "0." + "1" * 4000,
        "1" * 1000 + ".0",
        "00000000000000000000000000001",
        "1e308",
        "1e999999999",
        "0x7f",
        "0b1",
        "1_000",
        "1u",
        ".5",
        "1.",
        "1.2.3",
        "--1",
        "+1",
        "NaN",
        "Infinity",
        "-0",
        "-0.0",
        "١٢٣",
        "１",
        "½",
    ]
] + ["resource.amount == " + "9" * 19, "resource.amount < " + "9" * 900 + ".5"]
TEXTS = [
    f"user.x == {text}"
    for text in [
        "'",
        '"',
        "'a",
        "\"a'",
        "'a\nb'",
        "'a\rb'",
        "'\\",
        "'\\'",
        "'\\x41'",
        "'\\u12'",
        "'\\u0000'",
        "'\\ud800'",
        "'\\ud83d\\ude00'",
        "'\\U0001F600'",
        "'''a'''",
        "r'a'",
        "b'a'",
        "'a' 'b'",
        "'\x00'",
        "'\ufeff'",
        "'\u202e'",
        "'\u2028'",
        "'🙂'",
        "`a`",
        "‘a’",
    ]
]
INJECTED = [
    f"resource.name {test}"
    for test in [
        "== '; DROP TABLE x; --'",
        '== "\'; DROP TABLE x; --"',
        "== '\\'; DROP TABLE x; --'",
        "== \"' OR '1'='1\"",
        "== '%(scope_1)s'",
        "== ':scope_1'",
        "== '%s%d%%'",
        "== '$1'",
        "== '{0.__class__}'",
        "== '\\\\'",
        "in ['a', \"') OR TRUE --\"]",
        ".contains('%')",
        ".startsWith('_')",
        '.endsWith("\'")',
        ".contains('\\\\')",
    ]
] + [
    'resource.name" OR TRUE --  == 1',
    "resource.name); DROP TABLE x; -- == 1",
    "resource.name::text == 'a'",
    "resource.name == 'a' OR TRUE",
    "resource.name = 'a'",
    "resource.name == $1",
    "resource.name == :scope_1",
    "resource.name == (SELECT 1)",
    "pg_sleep(10)",
    "resource.pg_sleep",
    "resource.ctid == 'a'",
    "resource.tableoid == 1",
    "resource.xmin == resource.xmax",
    "resource.Name == 'a'",
]
PYTHON = [
    "__import__('os').system('true')",
    "user.__class__",
    "user.__class__.__mro__ == 1",
    "user.x.__len__() == 1",
    "user['x'] == 1",
    "user.get('x')",
    "lambda: true",
    "[x for x in user]",
    "user.x if true else false",
    "user.x is null",
    "not user.x",
    "user.x and true",
    "True",
    "None",
    "exec('1')",
    "{'a': 1}",
    "f'{user.x}'",
    "user.x := 1",
    "user.x; true",
    "import os",
]
CEL_BEYOND = [
    "[1].map(x, x)",
    "[1, 2].all(x, x > 0)",
    "[1].exists(x, [1].exists(y, [1].exists(z, true)))",
    "user.x.matches('(a+)+$')",
    "size(user.x) > 1",
    "int(user.x) == 1",
    "type(user.x) == int",
    "dyn(1) == 1",
    "user.x + 1 == 2",
    "1 / 0 == 1",
    "1 % 0 == 1",
    "user.?x",
    "user.x[0] == 1",
    "true // comment",
    "true /* comment */",
    "# comment",
    "null == null",
    "user.x == null",
    "duration('1h') == duration('60m')",
    "true == (1 == 1)",
    "1 < 2 < 3",
    "'a' in 'abc'",
    "1 in 1",
    "user in [1]",
    "user",
    "user.",
    ".x",
    "google.protobuf.Timestamp{}",
    "optional.of(1)",
]
CLOCKS = [
    f"context.now.getHours({zone}) == 1"
    for zone in [
        "'Europe/Berlin'",
        "'europe/berlin'",
        "'UTC'",
        "'Etc/GMT+12'",
        "'+01:00'",
        "''",
        "'.'",
        "'..'",
        "'/etc/passwd'",
        "'../../../etc/passwd'",
        "'Europe'",
        "'Europe/'",
        "'Europe/Berlin\\u0020'",
        "'" + "a/" * 1000 + "'",
        "'tzdata.zi'",
        "'zone.tab'",
        "'leapseconds'",
        "'posixrules'",
        "user.x",
        "1",
        "'UTC', 'UTC'",
        "'NUL'",
        "'é'",
    ]
] + [
    "context.now.getDayOfWeek('Pacific/Kiritimati') == 1",
    "context.now.getDayOfWeek('Pacific/Pago_Pago') < 7",
    "'2026'.getHours() == 1",
    "context.now.getHours().getHours() == 1",
    "context.now.getFullYear() == 2026",
]
MOMENTS = [
    f"context.now < timestamp({moment})"
    for moment in [
        "'0001-01-01T00:00:00+14:00'",
        "'9999-12-31T23:59:59-14:00'",
        "'10000-01-01T00:00:00Z'",
        "'2026-02-30T00:00:00Z'",
        "'2026-01-01T24:00:00Z'",
        "'2026-01-01T00:00:60Z'",
        "'2026-01-01T00:00:00+25:00'",
        "'2026-01-01'",
        "'2026-W01-1T00:00:00Z'",
        "'now'",
        "''",
        "'\\u0662026-01-01T00:00:00Z'",
        "1",
        "context.now",
        "'a', 'b'",
        "",
    ]
]
NETWORKS = [
    f"cidr({network}).containsIP(context.ip)"
    for network in [
        "'10.0.0.0/8'",
        "'10.0.0.1/8'",
        "'10.0.0.0/33'",
        "'10.0.0.0/-1'",
        "'10.0.0.0/255.0.0.0'",
        "'10.0.0.0/0.0.0.255'",
        "'::/0'",
        "'::ffff:10.0.0.0/104'",
        "'fe80::%eth0/64'",
        "'::/129'",
        "'010.0.0.0/8'",
        "'0x0a.0.0.0/8'",
        "'10.0.0.0/8/8'",
        "'10/8'",
        "''",
        "'/'",
        "' 10.0.0.0/8'",
        "'１０.0.0.0/8'",
        "'" + "1." * 1000 + "'",
        "10",
        "user.x",
        "'10.0.0.0/8', 1",
    ]
] + [
    "cidr('10.0.0.0/8')",
    "cidr('10.0.0.0/8').containsIP('10.0.0.1')",
    "cidr('10.0.0.0/8').containsIP(resource.name)",
    "cidr('10.0.0.0/8').containsIP()",
    "ip('10.0.0.1')",
]
CONFUSED = [
    f"{one} {sign} {other}"
    for one, other in [
        ("user.x", "resource.amount"),
        ("resource.name", "1"),
        ("resource.amount", "'1'"),
        ("resource.active", "1"),
        ("resource.active", "true"),
        ("resource.active", "resource.name"),
        ("1", "'1'"),
        ("timestamp('2026-01-01T00:00:00Z')", "resource.amount"),
    ]
    for sign in ("==", "!=", "<", ">=")
] + [
    "resource.amount.contains('1')",
    "resource.active.startsWith(resource.name)",
    "resource.amount in ['1', true, 1.0]",
    "resource.amount",
    "resource.name ? true : false",
    "!resource.name",
    "has(resource.nowhere) || resource.nowhere",
]
ODD = [
    "",
    " ",
    "\x00",
    "\ud800",
    "\ufeff" + "true",
    "true\u00a0",
    "ｔｒｕｅ",
    "tru\u0435",
    "usеr.x == 1",
    "user\u200b.x",
    "true;",
    "true true",
    "&& true",
    "true &&",
    "true & true",
    "true | true",
    "true ^ true",
    "?:",
    "true ? : true",
    "true ? true",
    "in",
    "in in in",
    "has",
    "has()",
    "has(user)",
    "has(user.x, user.x)",
    "has(user.x).x",
    "\\",
    "\x1b[31m",
    "\u202euser.x",
    "<script>alert(1)</script>",
    "{{ 7 * 7 }}",
    "${jndi:ldap://x}",
    "%n%n%n",
    "🙂",
]
CORPUS = [
    *DEEP,
    *LONG,
    *NUMBERS,
    *TEXTS,
    *INJECTED,
    *PYTHON,
    *CEL_BEYOND,
    *CLOCKS,
    *MOMENTS,
    *NETWORKS,
    *CONFUSED,
    *ODD,
]


@contextmanager
def _deadline(text):
    """Stop a run-away. Processor time counts: a busy machine is no run-away."""

    def over(number, frame):
        raise AssertionError(f"works longer than {SECONDS} s: {text[:80]!r}")

    previous = signal.signal(signal.SIGPROF, over)
    signal.setitimer(signal.ITIMER_PROF, SECONDS)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, previous)


def _read(text):
    try:
        return parse_condition(text)
    except ConditionError as error:
        refusal = error
    assert 1 <= refusal.line <= text.count("\n") + 1, text[:80]
    assert 1 <= refusal.column <= len(text) + 1, text[:80]
    assert refusal.message
    return None


def _answers_in_sql(condition, bindings):
    writer = SqlWriter(COLUMNS)
    where = writer.where(condition.root, bindings)
    where = re.sub(r"CAST\(:(\w+) AS", r"CAST(%(\1)s AS", where.replace("%", "%%"))
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {where} FROM hostile ORDER BY number", writer.params)
        return [answer for (answer,) in cursor.fetchall()]


@pytest.fixture
def rows(db):
    with connection.cursor() as cursor:
        cursor.execute(
            "CREATE TEMP TABLE hostile"
            " (number int, name text, amount numeric, active boolean)"
        )
        cursor.executemany(
            "INSERT INTO hostile VALUES (%s, %s, %s, %s)",
            [(number, *row.values()) for number, row in enumerate(ROWS)],
        )


def test_the_corpus_is_large_and_has_both_kinds():
    read = [text for text in CORPUS if _read(text)]

    assert len(CORPUS) >= 300
    assert 60 < len(read) < len(CORPUS) - 150


def test_it_refuses_with_a_place_or_answers_whatever_is_written(rows):
    for text in CORPUS:
        with _deadline(text):
            condition = _read(text)
            for bag in BAGS if condition else ():
                bindings = Bindings(bag, bag)
                in_python = [
                    condition.evaluate(bindings._replace(resource=row)) for row in ROWS
                ]
                assert all(answer in (True, False, None) for answer in in_python)
                assert _answers_in_sql(condition, bindings) == in_python, text[:80]
                assert isinstance(condition.values(bindings), str)


def test_a_stored_one_grants_nothing_and_denies_nothing_away(rows):
    from rbac.policy import Question, Role, Snapshot, grant

    for text in CORPUS:
        if _read(text) is not None or not text.strip():
            continue
        with _deadline(text):
            lines = (
                grant("role", "read_a", condition=text),
                grant("role", "*"),
                grant("role", "read_b", effect="deny", condition=text),
            )
            entry = Snapshot.build([Role("role", grants=lines[:1])], ["read_a"])
            broken = Snapshot.build([Role("role", grants=lines)], ["read_b"])
            bindings = Bindings({}, {}, {})

            assert not entry.entry(["role"]).check(Question("read_a", bindings))
            assert not broken.entry(["role"]).check(Question("read_b", bindings))
