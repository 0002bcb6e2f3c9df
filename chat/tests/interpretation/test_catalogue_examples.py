import json
from pathlib import Path

import pytest

import chat.interpretation

CATALOGUE = json.loads(
    (Path(chat.interpretation.__file__).parent / "catalogue_examples.json").read_text()
)
SLOTS = {
    *("quarter", "year", "month", "date_from", "date_to", "region", "department"),
    *("product", "person", "amount", "percent", "top_n", "sale_id", "note"),
}
REQUIRED = {
    *("sales_summary", "sales_detail", "team_sales", "own_performance", "salary"),
    *("team_performance", "employee_records", "company_directory", "own_data", "faq"),
    *("financial_report", "write_sales_notes", "approve_discount"),
}


def test_it_describes_every_query_that_clients_rely_on():
    assert CATALOGUE.keys() >= REQUIRED
    assert len(CATALOGUE) >= 20


@pytest.mark.parametrize("query", CATALOGUE)
def test_it_describes_meaning_slots_and_examples(query):
    entry = CATALOGUE[query]

    assert entry["meaning"]
    assert entry["slots"].keys() <= SLOTS
    assert set(entry["slots"].values()) <= {"required", "optional"}
    assert len(set(entry["examples"])) == len(entry["examples"]) >= 20


def test_it_gives_no_example_to_two_queries():
    examples = [e.lower() for entry in CATALOGUE.values() for e in entry["examples"]]

    assert sorted({e for e in examples if examples.count(e) > 1}) == []
