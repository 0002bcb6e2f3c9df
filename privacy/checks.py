# ruff: noqa: SLF001 - `_meta` is Django's documented model API
"""The data map is complete, or nothing starts.

Every concrete model is looked at, with or without a foreign key to the user: of the
third-party tables that hold personal data, several have no path to a user at all.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from django.apps import AppConfig, apps
from django.core import checks
from django.db.models import Model

from chatsec.core import personal_data


@checks.register("privacy")
def check_data_map(
    app_configs: Sequence[AppConfig] | None, **_options: object
) -> list[checks.CheckMessage]:
    """Report models missing from the data map (E001) and stale entries (E002)."""
    models = {model._meta.label: model for model in _stored_models()}
    declared = {each.model for each in personal_data.declarations()}
    exempt = set(personal_data.exemptions())
    return [
        *(
            _missing(models[label])
            for label in sorted(models.keys() - declared - exempt)
        ),
        *(_stale(label) for label in sorted((declared | exempt) - models.keys())),
        *(_contradiction(label) for label in sorted(declared & exempt)),
    ]


def _stored_models() -> Iterator[type[Model]]:
    """Yield every model with a table of its own, through tables included."""
    for model in apps.get_models(include_auto_created=True, include_swapped=False):
        if not model._meta.proxy:
            yield model


def _missing(model: type[Model]) -> checks.Error:
    label = model._meta.label
    return checks.Error(
        f"{label} is not on the data map.",
        hint=f"Declare it in {model._meta.app_label}/personal_data.py, or exempt it "
        "there with a reason.",
        obj=model,
        id="privacy.E001",
    )


def _stale(label: str) -> checks.Error:
    return checks.Error(
        f"The data map names {label}, which is no model.", id="privacy.E002"
    )


def _contradiction(label: str) -> checks.Error:
    return checks.Error(
        f"The data map both declares and exempts {label}.", id="privacy.E003"
    )
