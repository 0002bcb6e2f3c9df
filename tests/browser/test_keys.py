"""Somebody makes a key in the browser, a program asks by it, and it is taken away."""

import os
import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from accounts.models import ServiceAccount
from accounts.tests.factories import PASSWORD, totp_code
from accounts.tests.keys import with_key

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
ME = "/api/v1/me"
KEY = re.compile(r"csk_[0-9A-Za-z]{47}")


def look(page: Page, name: str) -> None:
    if not (where := os.environ.get("SHOTS")):
        return
    for width in (1280, 390):
        for scheme in ("light", "dark"):
            page.set_viewport_size({"width": width, "height": 800})
            page.emulate_media(color_scheme=scheme)
            path = Path(where) / f"{name}-{width}-{scheme}.png"
            page.screenshot(path=str(path), full_page=True)
    page.set_viewport_size({"width": 1280, "height": 800})
    page.emulate_media(color_scheme="light")


def sign_in(page: Page, user, *, code=None) -> None:
    page.goto("/sign-in?next=/account")
    page.get_by_label("User name").fill(user.username)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()
    if code:
        page.get_by_role("textbox", name="Code").fill(code)
        page.get_by_role("button", name="Continue").click()
    expect(page.get_by_role("heading", name="My security")).to_be_visible()


def made_key(page: Page) -> str:
    field = page.locator("#made-key")
    expect(field).to_have_value(KEY)
    return field.input_value()


def test_a_person_makes_uses_and_revokes_a_key(page, alice):
    sign_in(page, alice)
    look(page, "security")
    page.get_by_role("link", name="Show my API keys").click()
    expect(page.get_by_text("You have no keys.")).to_be_visible()
    page.get_by_role("link", name="New key").click()
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Confirm").click()
    page.get_by_label("Name").fill("nightly report")
    page.get_by_label("(read_sales)").check()
    look(page, "new")
    page.get_by_label("Only from these networks").fill("everywhere")
    page.get_by_role("button", name="Make the key").click()
    expect(page.get_by_role("alert")).to_contain_text("not a network")
    look(page, "wrong")
    page.get_by_label("Only from these networks").fill("127.0.0.0/8")
    page.get_by_role("button", name="Make the key").click()
    text = made_key(page)
    look(page, "made")

    assert with_key(text).get(ME).json()["permissions"] == ["read_sales"]
    page.get_by_role("link", name="I have copied it").click()
    expect(page.get_by_text("nightly report").first).to_be_visible()
    assert not KEY.search(page.content())
    look(page, "list")
    page.get_by_role("button", name="Revoke").click()
    expect(page.get_by_text("The key is revoked.")).to_be_visible()
    look(page, "revoked")
    assert with_key(text).get(ME).status_code == 401


def test_an_administrator_gives_a_program_its_key(page, admin):
    sign_in(page, admin, code=totp_code(admin))
    page.goto("/admin/accounts/serviceaccount/add/")
    page.get_by_label("User name").fill("importer")
    page.get_by_label("Purpose").fill("Imports the FAQ")
    page.locator(".field-responsible .select2-selection").click()
    page.locator(".select2-search__field").fill("adm")
    page.get_by_role("option", name="admin").click()
    look(page, "admin-add")
    page.get_by_role("button", name="Save and continue editing").click()
    expect(page.get_by_text("It has no keys.")).to_be_visible()
    look(page, "admin-account")
    page.get_by_role("link", name="New key").click()
    page.get_by_role("textbox", name="Code").fill(totp_code(admin))
    page.get_by_role("button", name="Confirm").click()
    page.get_by_label("Name").fill("import")
    page.get_by_label("(read_public_faq)").check()
    look(page, "admin-new")
    page.get_by_role("button", name="Make the key").click()
    text = made_key(page)
    look(page, "admin-made")

    assert with_key(text).get(ME).json()["username"] == "importer"
    page.get_by_role("link", name="I have copied it").click()
    expect(page.get_by_role("link", name=text[:12])).to_be_visible()
    look(page, "admin-listed")
    page.goto("/admin/accounts/apikey/")
    look(page, "admin-keys")
    assert ServiceAccount.objects.get().responsible == admin
