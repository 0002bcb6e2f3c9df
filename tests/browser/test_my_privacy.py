"""A person takes a copy of his own data home, in a real browser."""

from __future__ import annotations

import zipfile

import pytest

from accounts.tests.factories import PASSWORD
from privacy.models import ExportArtifact
from privacy.tests.factories import finished_export

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def test_a_copy_of_ones_data_is_taken_by_a_button(page, alice):
    finished_export(alice)
    page.goto("/sign-in")
    page.fill("[name=username]", "alice")
    page.fill("[name=password]", PASSWORD)
    page.click("main button[type=submit]")
    page.goto("/privacy")

    with page.expect_download() as taken:
        page.get_by_role("button", name="Download").click()

    assert zipfile.ZipFile(taken.value.path()).testzip() is None
    assert taken.value.suggested_filename.startswith("my-data-")
    assert ExportArtifact.objects.get().downloads_left == 2
    page.set_viewport_size({"width": 390, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
