"""Masks, closures and explanations against an independent brute-force evaluator."""

from __future__ import annotations

from collections import Counter
from random import Random  # noqa: TID251 - repeatable policies, no secrets

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rbac.policy import Bindings, Question, Role, Snapshot, grant
from rbac.policy.roles import covers, is_code_or_pattern

CODES = ["read_a", "read_b", "read_b_aggregate", "write_a", "app.view_x"]
ASKED = [*CODES, "read_new", "app.new", "other"]
NAMES = ["public", "r1", "r2", "r3", "r4"]
CONDITIONS = ["", "", "", "context.yes", "context.no", "context.unknown", "user.x =="]
ROWS = ["", "", "resource.a == 1", "context.no"]

grants = st.fixed_dictionaries(
    {
        "code": st.sampled_from([*CODES, "*", "read_*", "app.*"]),
        "effect": st.sampled_from(["allow", "allow", "allow", "deny"]),
        "condition": st.sampled_from([*CONDITIONS, "resource.a == 1"]),
        "row_filter": st.sampled_from(ROWS),
        "columns": st.sampled_from([None, None, None, ["a"], []]),
        "requires_step_up": st.sampled_from([False, False, True]),
    }
)
policies = st.fixed_dictionaries(
    {
        name: st.tuples(
            st.lists(st.sampled_from(NAMES), max_size=3),  # cycles too
            st.lists(grants, max_size=4),
        )
        for name in NAMES
    }
)
resources = st.sampled_from([None, {}, {"a": 1}, {"a": 2}, {"a": None}])
CONTEXT = {"yes": True, "no": False}

# The oracle's own reading of the few conditions above.
TRUTH = {"": True, "context.yes": True, "context.no": False}


def truth(text, resource):
    if text == "resource.a == 1":
        value = (resource or {}).get("a")
        return None if value is None else value == 1
    return TRUTH.get(text)


def ancestors(policy, name, seen=()):
    if name in seen:
        return set()
    found = {name}
    for parent in policy[name][0]:
        found |= ancestors(policy, parent, (*seen, name))
    return found


def denies(line, resource):
    if line["effect"] != "deny" or line["columns"] is not None:
        return False
    for text in (line["condition"], line["row_filter"]):
        if text == "resource.a == 1" and resource is None:
            return False
        if truth(text, resource) is False:
            return False
    return True


def allowed_lines(lines, resource):
    for line in lines:
        if line["effect"] == "allow" and truth(line["condition"], resource) is True:
            rows = line["row_filter"]
            if resource is None or truth(rows, resource) is True:
                yield line


def expected(policy, roles, code, resource, stepped_up):
    lines = [
        line
        for role in set().union(*(ancestors(policy, r) for r in {*roles, "public"}))
        for line in policy[role][1]
        if line["code"] == code
        or (line["code"][-1] == "*" and code.startswith(line["code"][:-1]))
    ]
    if any(denies(line, resource) for line in lines):
        return "deny"
    allowed = [line["requires_step_up"] for line in allowed_lines(lines, resource)]
    if False in allowed or (allowed and stepped_up):
        return "allow"
    return "step_up" if allowed else "deny"


def compiled(policy):
    roles = [
        Role(name, tuple(parents), tuple(grant(name, **line) for line in lines))
        for name, (parents, lines) in policy.items()
    ]
    return Snapshot.build(roles, CODES)


@settings(max_examples=400, deadline=None)
@given(policies, st.sets(st.sampled_from(NAMES)), resources, st.booleans())
def test_it_answers_as_the_oracle_does(policy, roles, resource, stepped_up):
    entry = compiled(policy).entry(roles)
    bindings = Bindings({}, CONTEXT, resource)

    for code in ASKED:
        question = Question(code, bindings, stepped_up)
        outcome = expected(policy, roles, code, resource, stepped_up)
        decision = entry.decide(question)
        assert decision.outcome == outcome
        assert decision.reasons
        assert entry.check(question) is (outcome == "allow")


def random_policy(chance):
    """Return a policy as `policies` makes them, only quicker."""

    def line():
        return {
            "code": chance.choice([*CODES, *CODES, "*", "read_*", "app.*"]),
            "effect": chance.choice(["allow", "allow", "allow", "deny"]),
            "condition": chance.choice([*CONDITIONS, "resource.a == 1"]),
            "row_filter": chance.choice(ROWS),
            "columns": chance.choice([None, None, None, ["a"], []]),
            "requires_step_up": chance.random() < 0.3,
        }

    return {
        name: (
            chance.sample(NAMES, chance.randrange(4)),
            [line() for _ in range(chance.randrange(5))],
        )
        for name in NAMES
    }


def explained_otherwise(count, seed):
    """Yield each question that check, explanation and oracle answer differently."""
    chance = Random(seed)
    outcomes = Counter()
    for _ in range(count):
        policy = random_policy(chance)
        roles = chance.sample(NAMES, chance.randrange(1, 4))
        entry = compiled(policy).entry(roles)
        resource = chance.choice([None, {}, {"a": 1}, {"a": 2}, {"a": None}])
        stepped_up = chance.random() < 0.5
        for code in ASKED:
            question = Question(code, Bindings({}, CONTEXT, resource), stepped_up)
            decision = entry.decide(question)
            outcomes[decision.outcome] += 1
            quick = entry.quick(code) if resource is None else None
            allowed = decision.outcome == "allow"
            if not (
                decision.outcome == expected(policy, roles, code, resource, stepped_up)
                and entry.check(question) is allowed
                and (quick is None or quick is allowed)
                and decision.reasons
            ):
                yield policy, roles, question
    assert min(outcomes[o] for o in ("allow", "deny", "step_up")) > count / 20


def test_it_explains_what_it_checks():
    assert not list(explained_otherwise(1000, seed=2026))


@pytest.mark.prove
def test_it_explains_what_it_checks_on_a_hundred_thousand_policies():
    assert not list(explained_otherwise(100_000, seed=1))


def entry_of(*lines, **other_roles):
    roles = [Role("r1", grants=tuple(grant("r1", **line) for line in lines))]
    roles += [Role(name, parents) for name, parents in other_roles.items()]
    return Snapshot.build(roles, CODES).entry(["r1", *other_roles])


def ask(code, **given):
    return Question(code, Bindings({}, CONTEXT, given.get("resource")))


def test_it_lets_deny_override_the_wildcard():
    entry = entry_of({"code": "*"}, {"code": "read_*", "effect": "deny"})

    assert not entry.check(ask("read_a"))
    assert not entry.check(ask("read_never_heard_of"))
    assert entry.check(ask("write_a"))
    assert entry.check(ask("brand_new"))
    assert entry.decide(ask("read_a")).reasons[0].kind == "denied_by_role"


def test_it_denies_when_a_deny_cannot_be_read_and_grants_nothing_when_an_allow_cannot():
    deny = entry_of(
        {"code": "*"}, {"code": "read_a", "effect": "deny", "condition": "((("}
    )
    allow = entry_of({"code": "read_a", "condition": "((("})

    assert deny.decide(ask("read_a")).outcome == "deny"
    decision = allow.decide(ask("read_a"))
    assert decision.outcome == "deny"
    assert decision.reasons[0].kind == "condition_unreadable"


def test_it_leaves_what_needs_a_resource_open_without_one():
    entry = entry_of(
        {"code": "read_a"},
        {"code": "read_a", "effect": "deny", "condition": "resource.a == 1"},
        {"code": "read_b", "condition": "resource.a == 1"},
    )

    assert entry.check(ask("read_a"))
    assert not entry.check(ask("read_a", resource={"a": 1}))
    assert not entry.check(ask("read_a", resource={"a": None}))
    assert entry.check(ask("read_a", resource={"a": 2}))
    assert entry.decide(ask("read_b")).reasons[0].kind == "resource_needed"


def test_it_walks_diamonds_once_and_survives_stored_cycles():
    top = Role("top", ("left", "right"))
    left, right = Role("left", ("base",)), Role("right", ("base", "top"))
    base = Role("base", grants=(grant("base", "read_a"),))

    snapshot = Snapshot.build([top, left, right, base], CODES)

    assert snapshot.roles["top"].closure == ("top", "left", "right", "base")
    assert len(snapshot.roles["top"].held) == 1
    assert snapshot.entry(["top"]).decide(ask("read_a")).reasons[0].path == (
        "top",
        "left",
        "base",
    )


def test_it_forgets_unknown_roles_and_adds_the_public_floor():
    snapshot = Snapshot.build(
        [Role("public", grants=(grant("public", "read_a"),))], CODES
    )

    entry = snapshot.entry(["gone"])

    assert entry.roles == ("public",)
    assert entry.check(ask("read_a"))


def test_it_knows_what_codes_and_patterns_look_like():
    good = ["read_a", "*", "read_*", "app.view_x", "app.*", "app.view_*", "r*"]
    bad = ["", "Read", "*read", "read_**", "a.b.c", ".x", "x.", "read a", "read\n", "é"]

    assert all(map(is_code_or_pattern, good))
    assert not any(map(is_code_or_pattern, bad))
    assert covers("read_*", "read_new")
    assert not covers("read_*", "app.read_new")
    assert covers("*", "app.read_new")


edits = st.dictionaries(
    st.sampled_from(NAMES),
    st.one_of(
        st.none(),
        st.tuples(
            st.lists(st.sampled_from(NAMES), max_size=3), st.lists(grants, max_size=4)
        ),
    ),
)


def role_of(name, parents, lines):
    return Role(name, tuple(parents), tuple(grant(name, **line) for line in lines))


@settings(max_examples=300, deadline=None)
@given(policies, st.sets(st.sampled_from(NAMES)), st.lists(edits, max_size=4))
def test_an_edited_snapshot_is_the_one_that_would_be_built_anew(policy, known, steps):
    policy = {name: found for name, found in policy.items() if name in known}
    snapshot = Snapshot.build([role_of(n, *p) for n, p in policy.items()], CODES)
    for edit in steps:
        for name in snapshot.roles:
            assert snapshot.roles[name].masks is not None  # compiled before the edit
        policy = {**policy, **{n: found for n, found in edit.items() if found}}
        gone = {name for name, found in edit.items() if found is None}
        policy = {name: found for name, found in policy.items() if name not in gone}
        changed = [role_of(n, *found) for n, found in edit.items() if found]

        snapshot = snapshot.edited(changed, gone=gone)
        anew = Snapshot.build([role_of(n, *p) for n, p in policy.items()], CODES)

        assert set(snapshot.roles) == set(anew.roles)
        for name in anew.roles:
            ours, expected = snapshot.roles[name], anew.roles[name]
            assert ours.masks == expected.masks
            assert ours.closure == expected.closure
            assert ours.held == expected.held


def test_an_edit_leaves_the_snapshot_before_it_as_it_was():
    before = Snapshot.build(
        [Role("r1", ("r2",)), Role("r2", grants=(grant("r2", "read_a"),)), Role("r3")],
        CODES,
    )
    untouched = before.roles["r3"]

    after = before.edited([Role("r2", grants=(grant("r2", "read_b"),))])

    assert before.entry(["r1"]).check(ask("read_a"))
    assert not after.entry(["r1"]).check(ask("read_a"))
    assert after.entry(["r1"]).check(ask("read_b"))
    assert after.roles["r3"] is untouched
