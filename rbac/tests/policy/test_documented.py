"""The examples of the reference page are conditions."""

from __future__ import annotations

import re

import pytest
from django.conf import settings

from rbac.policy import parse_condition

PAGE = settings.BASE_DIR / "docs" / "reference" / "conditions.md"
FENCED = re.search(r"```\n(.*?)```", PAGE.read_text(), re.DOTALL)


@pytest.mark.parametrize("line", FENCED.group(1).splitlines() if FENCED else [""])
def test_it_can_be_read(line):
    parse_condition(line)
