"""The demo catalogue: the chapter's flags, and SQL that the database accepts."""

import pytest

from chat.datasets.rewriter import DatasetView, bind_query
from chat.datasets.sources import explain, sources
from chat.models import Article, Dataset, QueryDefinition, QueryKind
from chat.selectors.catalogue import find_entries, find_entry
from chat.services.catalogue import query_problems
from chatsec.core.crypto import DecryptionFailed
from chatsec.demo.catalogue import seed_catalogue
from chatsec.demo.queries import demo_queries

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("catalogue")]

FLAGS = {
    "sales_summary": {"permission": "read_sales", "aggregate_only": True},
    "sales_detail": {"permission": "read_sales_detail", "aggregate_only": False},
    "employee_records": {
        "permission": "read_hr_data",
        "pii": True,
        "requires_mfa": True,
    },
    "financial_report": {
        "permission": "read_financial",
        "data_classification": "confidential",
        "audit_log": True,
    },
    "team_sales": {"permission": "read_team_sales"},
    "own_performance": {"permission": "read_own_performance"},
    "team_performance": {"permission": "read_team_performance"},
    "company_directory": {"permission": "read_company_directory"},
    "salary": {"permission": "read_employee_salary"},
    "write_sales_notes": {"permission": "write_sales_notes"},
    "approve_discount": {"permission": "approve_discounts"},
    "own_data": {"permission": "read_own_data"},
    "faq": {"permission": "read_public_faq"},
}
SQL_KEYS = [query.key for query in demo_queries() if query.kind == "sql"]


@pytest.mark.parametrize("key", FLAGS)
def test_an_entry_has_the_flags_it_must_have(key):
    query = QueryDefinition.objects.get(key=key)

    assert {name: getattr(query, name) for name in FLAGS[key]} == FLAGS[key]
    assert query.missing_fields == ()
    assert len(query.examples) >= 5


def test_there_are_twenty_entries_and_more():
    assert QueryDefinition.objects.filter(enabled=True).count() >= 20


def test_every_entry_keeps_the_rules_of_publishing():
    for query in QueryDefinition.objects.all():
        assert query_problems(query, list(query.datasets.all())) == {}, query.key


@pytest.mark.parametrize("key", SQL_KEYS)
def test_the_database_accepts_the_sql(key):
    entry = find_entry(key)
    views = {
        name: DatasetView(None, dict.fromkeys(spec.names))
        for name, spec in entry.datasets.items()
    }
    query = bind_query(entry.checked(), views=views, parameters={}, max_rows=10)
    engine = sources.engine("test", entry.source.open_url())

    explain(engine, query, timeout_ms=2000)


def test_publishing_twice_changes_nothing(business):
    QueryDefinition.objects.filter(key="salary").update(title="Pay")

    assert seed_catalogue(business) == 0
    assert QueryDefinition.objects.get(key="salary").title == "Pay"
    assert Dataset.objects.count() == 8


def test_reading_the_catalogue_costs_two_statements_and_one_for_sources(
    django_assert_max_num_queries,
):
    with django_assert_max_num_queries(3):
        assert len(find_entries()) >= 20


def test_an_incomplete_entry_does_not_hide_its_neighbours(acting, dan):
    from chat.stages.judgement import list_runnable

    QueryDefinition.objects.filter(key="average_deal").update(title="")

    keys = {entry.key for entry in list_runnable(acting(dan))}

    assert "average_deal" not in keys
    assert "sales_summary" in keys


def test_a_tampered_url_does_not_open():
    source = find_entry("salary").source
    *sealed, last = bytes(source.url_sealed)
    source.url_sealed = bytes([*sealed, last ^ 1])

    with pytest.raises(DecryptionFailed):
        source.open_url()


def test_every_permission_is_registered():
    from rbac.selectors import list_codes

    codes = set(list_codes())
    used = set(QueryDefinition.objects.values_list("permission", flat=True))
    used |= set(Article.objects.values_list("permission", flat=True))

    assert used <= codes


def test_only_sql_entries_have_sql():
    for query in QueryDefinition.objects.exclude(kind=QueryKind.SQL):
        assert query.sql == ""
