"""Masks: read from text, ordered, fitting their column, and hashed by column."""

import hashlib
import re

import pytest

from chat.datasets.errors import DefinitionRefused
from chat.datasets.masking import masked_sql
from chat.tests.datasets.staff import TYPES, fetched, spec_with, view_of
from rbac.policy import Bindings, Question, grant
from rbac.policy.decisions import Held
from rbac.policy.masks import PLAIN, columns_problem, parse_column, parse_mask
from rbac.policy.scopes import scope_of

GOOD = [
    "salary",
    "salary:null",
    "salary:hash",
    "a1:last4",
    "x:bucket:0.5",
    "d:bucket:year",
]
BAD = ["", ":null", "salary:", "salary:nil", "salary:bucket", "salary:bucket:0", "a b"]
BAD += ["salary:bucket:-5", "salary:bucket:week", "salary:hash:hash", 'x":null', "ä"]
BAD += ["salary\n", "salary:bucket:1e9", "x" * 64]


@pytest.mark.parametrize("text", GOOD)
def test_it_reads_a_column_with_its_mask(text):
    assert parse_column(text)
    assert columns_problem([text], effect="allow") == ""


@pytest.mark.parametrize("text", BAD)
def test_what_is_no_column_covers_nothing_and_is_refused(text):
    scope = scope_of(
        [Held(grant("role", "read", columns=[text]), ("role",))],
        Question("read", Bindings({}, {})),
    )

    assert parse_column(text) is None
    assert columns_problem([text], effect="allow")
    assert scope.to_sql(TYPES).sql == "FALSE"


def test_a_deny_names_no_mask_and_no_column_comes_twice():
    assert columns_problem(["salary:hash"], effect="deny")
    assert columns_problem(["salary", "salary:hash"], effect="allow")


def test_a_deny_with_a_mask_written_past_the_services_hides():
    view = view_of(
        [
            {"columns": None},
            {"effect": "deny", "columns": ["salary:hash", "team:nonsense"]},
        ],
        {},
        spec_with(),
    )

    assert not {"salary", "team"} & {*view.columns, *view.masked}


@pytest.mark.parametrize(
    ("column", "mask"),
    [
        ("hired_on", "last4"),
        ("hired_on", "bucket:10"),
        ("account", "bucket:month"),
        ("salary", "bucket:year"),
        ("salary", "nonsense"),
    ],
)
def test_a_dataset_refuses_a_mask_that_does_not_fit(column, mask):
    with pytest.raises(DefinitionRefused, match="mask"):
        spec_with(**{column: mask})


def test_masks_are_ordered_by_how_little_they_show():
    texts = ["", "bucket:1", "bucket:500", "last4", "hash", "null"]
    masks = [parse_mask(text) for text in texts]

    assert masks == sorted(masks)
    assert [str(mask) for mask in masks] == texts


def test_a_hash_differs_by_column_and_is_no_bare_one(staff):
    view = view_of([{"columns": ["account:hash", "region:hash"]}], {}, spec_with())
    rows = fetched(staff, spec_with(), view)
    hashed = {cell for _, row in rows for cell in row.values() if cell}

    assert all(re.fullmatch(r"[0-9a-f]{16}", cell) for cell in hashed)
    for value in ("north", "short", "DE89370400440532"):
        assert hashlib.sha256(value.encode()).hexdigest()[:16] not in hashed


def test_plain_is_the_column_itself():
    column = spec_with().by_name["salary"]

    assert masked_sql(column, PLAIN, key="x") == '"salary"'
