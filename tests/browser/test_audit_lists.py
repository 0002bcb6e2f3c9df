"""The admin's own lists of the audit log, on a phone and beside their filters."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from auditlog.tests.incidents.factories import make_incident
from tests.browser.test_roles import sign_in

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def test_nothing_of_a_list_has_to_be_scrolled_sideways(page, admin, alice):
    make_incident(alice.id, rule="a_rule_whose_name_is_as_long_as_names_of_rules_are")
    # Whose key is gone, or who never had a name, is known by a long pseudonym.
    incident = make_incident(title="What happened, told in as many words as a title")
    sign_in(page, admin)

    for kind in ("alert", "event"):
        page.goto(f"/admin/auditlog/{kind}/")
        for width in (390, 1280):
            page.set_viewport_size({"width": width, "height": 844})
            hidden = page.evaluate(
                "[...document.querySelectorAll('html, #changelist .results')]"
                ".map(each => each.scrollWidth - each.clientWidth)"
            )
            assert hidden == [0, 0], (kind, width)
    page.goto("/admin/auditlog/alert/")
    page.get_by_role("link", name=incident.label).click()
    expect(page.get_by_role("heading", name="At a glance")).to_be_visible()
