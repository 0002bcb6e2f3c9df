import pytest

from chat.interpretation import find_slot
from chat.tests.interpretation.gold import TODAY


@pytest.mark.parametrize(
    ("slot", "text", "value"),
    [
        ("quarter", "4", 4),
        ("quarter", "Q4.", 4),
        ("quarter", "the fourth quarter", 4),
        ("year", "2025", 2025),
        ("month", "march", 3),
        ("amount", "500", 500),
        ("amount", "$1,200", 1200),
        ("percent", "15", 15),
        ("person", "Jane Smith", "Jane Smith"),
        ("person", "zaphod beeblebrox", "Zaphod Beeblebrox"),
        ("region", "the north", "north"),
        ("department", "sales", "Sales"),
        ("top_n", "5", 5),
        ("sale_id", "1234", 1234),
    ],
)
def test_it_reads_a_bare_reply(slot, text, value):
    assert find_slot(slot, text, at=TODAY) == value


@pytest.mark.parametrize(
    ("slot", "text"),
    [
        ("quarter", "5"),
        ("quarter", "north"),
        ("amount", "none"),
        ("person", "show me the sales"),
        ("region", ""),
        ("month", "13"),
        ("unknown", "4"),
        ("quarter", "\x00\ud800"),
    ],
)
def test_it_reads_no_value_out_of_bounds_or_of_another_kind(slot, text):
    assert find_slot(slot, text, at=TODAY) is None
