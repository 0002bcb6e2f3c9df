"""A row saved with django-auditlog against the same row without it.

A program of its own, run by `audit_write`: that library's package is called as our app.
"""

# ruff: noqa: PLC0415 - what needs Django is imported once the settings are chosen

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from typing import Any


def main() -> None:
    """Measure on the database that stdin names, the library being where argv says."""
    sys.path.insert(0, sys.argv[1])
    given = json.load(sys.stdin)
    import django
    from django.conf import settings

    settings.configure(
        DATABASES={"default": given["database"]},
        INSTALLED_APPS=[
            "django.contrib.contenttypes",
            "django.contrib.auth",
            "auditlog",
        ],
        DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
        USE_TZ=True,
    )
    django.setup()
    from measure import (  # type: ignore[import-not-found]  # beside this file
        interleaved,
        report,
    )

    samples = interleaved(_contenders(), rounds=given["rounds"])
    title = f"django-auditlog, synchronous_commit {given['title']}"
    report(title, samples, baseline="save()")


def _contenders() -> dict[str, Callable[[], None]]:
    from auditlog.registry import auditlog  # type: ignore[attr-defined]  # not ours

    plain, logged = _model("Plain"), _model("Logged")
    _make_tables(plain, logged)
    auditlog.register(logged)
    return {
        "save()": _saving(plain.objects.create()),
        "save() of a logged model": _saving(logged.objects.create()),
    }


def _model(name: str) -> Any:
    from django.db import models

    fields: dict[str, Any] = {
        field: models.TextField(default="x" * 20) for field in ("a", "b", "c", "d")
    }
    meta = type("Meta", (), {"app_label": "beside"})
    fields |= {"count": models.IntegerField(default=0), "Meta": meta}
    return type(name, (models.Model,), {**fields, "__module__": __name__})


def _make_tables(*models: Any) -> None:
    from django.core.management import call_command
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("DROP SCHEMA IF EXISTS beside CASCADE; CREATE SCHEMA beside")
    call_command("migrate", verbosity=0)
    with connection.schema_editor() as editor:
        for model in models:
            editor.create_model(model)


def _saving(row: Any) -> Callable[[], None]:
    from django.db import transaction

    def save() -> None:
        with transaction.atomic():
            row.count += 1
            row.save()

    return save


if __name__ == "__main__":
    main()
