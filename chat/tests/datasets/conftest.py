"""A relation of people in the business database."""

import pytest
import sqlalchemy
from django.conf import settings

from chat.datasets.sources import make_engine
from chat.tests.datasets.staff import ROWS, TYPES


@pytest.fixture(scope="module")
def staff(business):
    """Return a connection on which the relation is filled."""
    made = make_engine(settings.BUSINESS_OWNER_DATABASE_URL)
    engine = sqlalchemy.create_engine(made.url)
    with engine.connect() as connection:
        kinds = ", ".join(f"{name} {kind}" for name, kind in TYPES.items())
        connection.exec_driver_sql(f"CREATE TEMP TABLE staff ({kinds})")
        blanks = ", ".join(["%s"] * len(TYPES))
        connection.exec_driver_sql(
            f"INSERT INTO staff VALUES ({blanks})",
            [tuple(row.values()) for row in ROWS],
        )
        yield connection
    engine.dispose()
    made.dispose()
