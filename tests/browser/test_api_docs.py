"""The description of the API, in a browser that holds the page to its policy."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def test_the_api_describes_itself(page):
    page.goto("/api/docs/")

    expect(page.locator(".info .title")).to_contain_text("chatsec")
    expect(page.locator("#operations-tag-auth").first).to_be_visible()
    assert page.locator(".opblock").count() > 20
