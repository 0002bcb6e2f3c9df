# ruff: noqa: DJ008 - models of a moment, never shown
"""The data map is complete: a model that nobody declared fails the check."""

from __future__ import annotations

import pytest
from django.apps import apps
from django.core.management import call_command
from django.db import models

from chatsec.core import personal_data
from privacy.checks import check_data_map
from privacy.models import RetentionPolicy


def ids() -> set[tuple[str | None, str]]:
    return {(each.id, each.msg.split()[0]) for each in check_data_map(None)}


@pytest.fixture
def forget():
    """Take models that a test defines out of the registry again."""
    known = dict(apps.all_models["privacy"])
    yield
    apps.all_models["privacy"].clear()
    apps.all_models["privacy"].update(known)
    apps.clear_cache()


def test_every_model_of_every_app_is_declared_or_exempt():
    assert check_data_map(None) == []


@pytest.mark.usefixtures("forget")
def test_a_model_without_any_path_to_a_user_is_missed():
    class VisitLog(models.Model):
        ip = models.GenericIPAddressField()

        class Meta:
            app_label = "privacy"

    assert ("privacy.E001", "privacy.VisitLog") in ids()


@pytest.mark.usefixtures("forget")
def test_a_through_table_that_django_makes_is_missed():
    class Club(models.Model):
        members = models.ManyToManyField("accounts.User", related_name="+")

        class Meta:
            app_label = "privacy"

    assert ("privacy.E001", "privacy.Club_members") in ids()


@pytest.mark.usefixtures("forget")
def test_an_unmanaged_table_is_missed():
    class Legacy(models.Model):
        class Meta:
            app_label = "privacy"
            managed = False

    assert ("privacy.E001", "privacy.Legacy") in ids()


@pytest.mark.parametrize(
    "model", ["privacy.ConsentState", "accounts.User", "axes.AccessFailureLog"]
)
def test_a_deleted_declaration_is_missed(monkeypatch, model):
    # Put back, it would be the last of the map, whose order is the order of erasure.
    others = {
        name: each for name, each in personal_data._declared.items() if name != model
    }
    monkeypatch.setattr(personal_data, "_declared", others)

    assert ("privacy.E001", model) in ids()


def test_a_deleted_exemption_is_missed(monkeypatch):
    monkeypatch.delitem(personal_data._exempt, "auth.Group_permissions")

    assert ("privacy.E001", "auth.Group_permissions") in ids()


def test_a_declaration_of_no_model_is_stale(monkeypatch):
    monkeypatch.setitem(personal_data._exempt, "privacy.Gone", "it was here once")

    found = [each for each in check_data_map(None) if each.id == "privacy.E002"]

    assert "privacy.Gone" in found[0].msg


def test_a_model_is_not_both_declared_and_exempt(monkeypatch):
    monkeypatch.setitem(personal_data._exempt, "accounts.User", "no reason at all")

    assert "privacy.E003" in {each.id for each in check_data_map(None)}


@pytest.mark.django_db
def test_every_purpose_and_retention_key_is_in_the_registers():
    from privacy.models import Purpose

    purposes = set(Purpose.objects.values_list("key", flat=True))
    periods = {*RetentionPolicy.objects.values_list("key", flat=True), ""}
    for each in personal_data.declarations():
        assert set(each.purposes) <= purposes, each.model
        assert each.purposes, each.model
        assert each.retention in periods, each.model


def test_what_expires_says_when_and_can_be_counted_before():
    for each in personal_data.declarations():
        if each.expire is not None:
            assert each.retention, each.model
            assert each.count_expired, each.model


def test_the_map_is_printed(capsys):
    call_command("privacy_map")

    printed = capsys.readouterr().out
    assert "privacy.ConsentEvent  [consents]" in printed
    assert "contenttypes.ContentType  Names of models" in printed
