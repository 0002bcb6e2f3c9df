"""The demo's datasets: every column typed and classified."""

from __future__ import annotations

from dataclasses import dataclass

from chatsec.core.errors import Json

SHORT = {"i": "integer", "n": "numeric", "t": "text", "d": "date"}
LONG = {"P": "public", "I": "internal", "C": "confidential", "X": "pii"}


@dataclass(frozen=True)
class DemoDataset:
    """One dataset of the demo's data source."""

    name: str
    columns: str  # "name:type classification" words, see SHORT and LONG
    person_column: str = ""

    def declared(self) -> list[Json]:
        """Return the columns as a Dataset declares them."""
        return [_column(word) for word in self.columns.split()]


def _column(word: str) -> Json:
    name, letters = word.split(":")
    return {
        "name": name,
        "label": name.replace("_", " "),
        "type": SHORT[letters[0]],
        "classification": LONG[letters[1]],
    }


DATASETS = (
    DemoDataset(
        "sales",
        "sale_id:iI sold_on:dI year:iI quarter:iI month:iI department:tI region:tI"
        " team:tI seller_id:iI seller:tI seller_username:tI product:tI customer:tI"
        " quantity:iI amount:nI discount:iI",
        person_column="seller_id",
    ),
    DemoDataset(
        "sales_notes",
        "note_id:iI sale_id:iI written_on:dI year:iI quarter:iI month:iI department:tI"
        " region:tI team:tI seller:tI seller_username:tI product:tI customer:tI"
        " note:tI",
    ),
    DemoDataset(
        "sales_targets",
        "year:iI quarter:iI department:tI region:tI team:tI seller_id:iI seller:tI"
        " target:nI reached:nI",
        person_column="seller_id",
    ),
    DemoDataset(
        "employees",
        "employee_id:iI username:tI name:tI email:tI phone:tI department:tI region:tI"
        " team:tI job_title:tI manager:tI hired_on:dI birth_date:dX national_id:tX"
        " address:tX",
        person_column="employee_id",
    ),
    DemoDataset(
        "salaries",
        "employee_id:iI name:tI username:tI department:tI region:tI team:tI year:iI"
        " amount:iC currency:tI",
        person_column="employee_id",
    ),
    DemoDataset(
        "performance_reviews",
        "review_id:iI employee_id:iI name:tI username:tI department:tI region:tI"
        " team:tI year:iI quarter:iI rating:iC goal_attainment:iC summary:tC",
    ),
    DemoDataset(
        "financial_reports",
        "year:iI quarter:iI revenue:nC cost_of_sales:nC operating_expenses:nC"
        " profit:nC",
    ),
    DemoDataset(
        "expenses",
        "year:iI quarter:iI department:tI category:tI spent:nC budget:nC",
    ),
)
