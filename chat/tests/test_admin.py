"""The catalogue editor holds entries against the rules that publishing does."""

import json

import pytest
from django.urls import reverse

from auditlog.selectors import list_events
from chat.models import Dataset, DataSource, QueryDefinition
from chat.pipeline import answer_message
from chat.services.conversations import start_conversation

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("catalogue")]


@pytest.fixture
def office(browser, admin):
    """Nothing here asks an administrator for fresh proof."""
    return browser(admin)


def change(model, row):
    return reverse(f"admin:chat_{model}_change", args=[row.pk])


def form_of(query, **changes):
    """Return what the editor would post for the query, with changes."""
    values = {
        "key": query.key,
        "title": query.title,
        "resource_type": query.resource_type,
        "enabled": "on",
        "kind": query.kind,
        "examples": json.dumps(query.examples),
        "datasets": [str(one.pk) for one in query.datasets.all()],
        "parameters": json.dumps(query.parameters),
        "sql": query.sql,
        "permission": query.permission,
        "data_classification": query.data_classification,
        "purposes": json.dumps(query.purposes),
        "timeout_ms": query.timeout_ms,
        "max_rows": query.max_rows,
    }
    for flag in ("aggregate_only", "pii", "requires_mfa", "audit_log"):
        if getattr(query, flag):
            values[flag] = "on"
    return {
        name: value
        for name, value in {**values, **changes}.items()
        if value is not None
    }


@pytest.fixture
def team_sales():
    return QueryDefinition.objects.get(key="team_sales")


def test_a_sound_change_is_a_new_version_with_its_evidence(office, team_sales):
    saved = office.post(
        change("querydefinition", team_sales), form_of(team_sales, title="Team")
    )

    assert saved.status_code == 302, saved.content
    team_sales.refresh_from_db()
    assert team_sales.title == "Team"
    assert team_sales.version == 2
    assert team_sales.datasets.count() == 1
    assert list_events(event_type="chat.catalogue_changed").exists()


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("sql", "SELECT * FROM sales", "only for COUNT"),
        ("sql", "DROP TABLE sales", "exactly one SELECT"),
        ("sql", "SELECT region FROM pg_class", "There is no dataset"),
        ("sql", "", "denies the query"),
        ("permission", "", "denies the query"),
        ("permission", "read_everything", "no such permission"),
        ("purposes", "[]", "denies the query"),
        ("purposes", '["marketing"]', "There is no purpose"),
        ("purposes", '"x"', "a list of keys"),
        ("examples", "{}", "list of sentences"),
        ("examples", "nonsense", "valid JSON"),
        ("parameters", '{"type": 5}', "not a JSON schema"),
        ("parameters", '{"type": "object"}', "additionalProperties"),
        ("key", "Team Sales", "Lower case"),
        ("timeout_ms", "0", "greater than or equal to 1"),
        ("max_rows", "5000", "less than or equal to 1000"),
        ("datasets", [], "Choose the datasets"),
    ],
)
def test_an_unsound_change_is_refused_beside_its_field(
    office, team_sales, field, value, words
):
    page = office.post(
        change("querydefinition", team_sales), form_of(team_sales, **{field: value})
    )

    assert page.status_code == 200
    assert words in str(page.context["adminform"].form.errors[field])
    team_sales.refresh_from_db()
    assert team_sales.version == 1


def test_personal_and_confidential_columns_must_be_declared(office):
    records = QueryDefinition.objects.get(key="employee_records")
    report = QueryDefinition.objects.get(key="financial_report")

    undeclared = office.post(
        change("querydefinition", records), form_of(records, pii=None)
    )
    too_low = office.post(
        change("querydefinition", report),
        form_of(report, data_classification="internal"),
    )

    assert "pii" in undeclared.context["adminform"].form.errors
    assert "data_classification" in too_low.context["adminform"].form.errors


def test_an_aggregate_takes_enumerated_slots_only(office):
    query = QueryDefinition.objects.get(key="sales_summary")
    schema = {
        "type": "object",
        "properties": {"person": {"type": "string"}},
        "additionalProperties": False,
    }

    page = office.post(
        change("querydefinition", query),
        form_of(
            query,
            parameters=json.dumps(schema),
            sql="SELECT SUM(amount) AS a FROM sales WHERE seller = :person",
        ),
    )

    assert "parameters" in page.context["adminform"].form.errors


def test_the_url_of_a_source_is_never_shown_and_can_be_replaced(office, business):
    source = DataSource.objects.get()
    path = change("datasource", source)

    page = office.get(path).content.decode()
    kept = office.post(path, {"name": source.name, "url": ""})
    refused = office.post(path, {"name": source.name, "url": "mysql://x/y"})
    replaced = office.post(path, {"name": source.name, "url": "postgresql://h/d"})

    assert "demo_business" not in page
    assert "chatsec_business_ro" not in page
    assert kept.status_code == 302
    assert "PostgreSQL" in refused.content.decode()
    assert "mysql" not in refused.content.decode()
    assert replaced.status_code == 302
    source.refresh_from_db()
    assert source.open_url() == "postgresql+psycopg2://h/d"
    assert b"postgresql" not in bytes(source.url_sealed)


def test_changing_a_dataset_hides_what_its_queries_released(office, team_sales):
    dataset = Dataset.objects.get(name="sales")
    columns = [one for one in dataset.columns if one["name"] != "discount"]

    saved = office.post(
        change("dataset", dataset),
        {
            "name": dataset.name,
            "source": str(dataset.source_id),
            "relation": dataset.relation,
            "columns": json.dumps(columns),
            "person_column": dataset.person_column,
        },
    )

    assert saved.status_code == 302, saved.content
    team_sales.refresh_from_db()
    assert team_sales.version == 2


def test_a_mask_that_does_not_fit_its_column_is_told_beside_it(office, catalogue):
    dataset = Dataset.objects.get(name="sales")
    columns = [{**one, "mask": "bucket:month"} for one in dataset.columns]

    kept = office.post(
        change("dataset", dataset),
        {
            "name": dataset.name,
            "source": str(dataset.source_id),
            "relation": dataset.relation,
            "columns": json.dumps(columns),
            "person_column": dataset.person_column,
        },
    )

    assert "no such mask" in str(kept.context["adminform"].form.errors["columns"])


def test_conversations_are_listed_without_a_word_of_them(office, acting, alice):
    actor = acting(alice)
    conversation = start_conversation(actor, title="zebra plans")
    answer_message(actor, conversation, "Show me team sales for Q4")

    listed = office.get(reverse("admin:chat_conversation_changelist"))
    opened = office.get(change("conversation", conversation))

    assert listed.status_code == 200
    assert opened.status_code == 200
    for page in (listed, opened):
        assert b"zebra" not in page.content
        assert b"north-1" not in page.content
        assert b"team sales" not in page.content.lower()


def test_nobody_changes_or_deletes_conversations_here(office, acting, alice):
    conversation = start_conversation(acting(alice))

    deleted = office.post(
        reverse("admin:chat_conversation_delete", args=[conversation.pk]),
        {"post": "yes"},
    )

    assert deleted.status_code == 403


@pytest.mark.parametrize(
    "model", ["querydefinition", "dataset", "datasource", "article", "conversation"]
)
def test_staff_without_the_permission_see_nothing(browser, model):
    from accounts.tests.factories import make_user

    clerk = browser(make_user("clerk", is_staff=True, totp=True))

    answer = clerk.get(reverse(f"admin:chat_{model}_changelist"))

    assert answer.status_code == 403


@pytest.mark.parametrize(
    "model", ["querydefinition", "dataset", "datasource", "article", "conversation"]
)
def test_every_page_opens(office, model):
    assert office.get(reverse(f"admin:chat_{model}_changelist")).status_code == 200
