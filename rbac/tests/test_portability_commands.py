"""Policy is written to files and read from them on the command line."""

from __future__ import annotations

from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from accounts.tests.factories import make_user, totp_code
from rbac.models import Role
from rbac.services.documents import (
    write_document,
)
from rbac.services.portability import (
    current_document,
)
from rbac.tests.factories import give_role
from rbac.tests.governing import make_role, role_of
from rbac.tests.test_portability import BILLION_LAUGHS, plus


def run(*args, **options):
    out = StringIO()
    call_command(*args, stdout=out, **options)
    return out.getvalue()


@pytest.mark.django_db
def test_the_commands_work_on_files(tmp_path, db):
    make_role("buyer", "read_sales")
    path = tmp_path / "policy.yaml"
    run("rbac_export", output=path)
    assert path.read_text() == run("rbac_export")
    assert run("rbac_import", str(path)) == "Nothing to change.\n"

    path.write_text(path.read_text().replace("name: buyer", "name: seller"))
    shown = run("rbac_import", str(path), dry_run=True)

    assert "+ role seller\n" in shown
    assert "- role buyer\n" in shown
    assert shown.endswith("Nothing was changed.\n")
    assert Role.objects.filter(name="buyer").exists()
    assert run("rbac_import", str(path)).endswith("Imported.\n")
    assert Role.objects.filter(name="seller").exists()


@pytest.mark.parametrize("content", [BILLION_LAUGHS.encode(), b"\xff\xfe\xff", None])
def test_the_command_refuses_in_one_line(tmp_path, db, content):
    path = tmp_path / "policy.yaml"
    if content is not None:
        path.write_bytes(content)

    with pytest.raises(CommandError) as raised:
        run("rbac_import", str(path))

    assert "Traceback" not in str(raised.value)


def test_an_import_in_somebodys_name_needs_his_code(tmp_path, monkeypatch, db):
    person = make_user("person", totp=True)
    make_role("clerk", "manage_roles")
    give_role(person, "clerk")
    give_role(make_user("root"), "admin")
    path = tmp_path / "policy.yaml"
    document = current_document()
    path.write_text(write_document(plus(document, role_of("mine", "*"))))

    for code, message in (("000000x", "code"), (totp_code(person), "do not hold")):
        monkeypatch.setattr("getpass.getpass", lambda _prompt, code=code: code)
        with pytest.raises(CommandError) as raised:
            run("rbac_import", str(path), username="person")
        assert message in str(raised.value)
    assert current_document() == document


def test_it_explains_on_the_command_line(bob):
    allowed = run("rbac_explain", "bob", "read_sales", resource=["region=north"])
    refused = run("rbac_explain", "bob", "rbac.read_sales", resource=["region=south"])
    past = run("rbac_explain", "bob", "read_sales", at="2020-01-01T12:00:00Z")

    assert allowed.startswith("allow read_sales\nroles: sales_rep\n- ")
    assert refused.startswith("deny read_sales\n")
    assert "resource.region" in refused
    assert past.startswith("deny read_sales\n")


@pytest.mark.parametrize(
    ("args", "options"),
    [
        (("nobody", "read_sales"), {}),
        (("bob", "read sales"), {}),
        (("bob", "read_*"), {}),
        (("bob", "read_sales"), {"resource": ["region"]}),
        (("bob", "read_sales"), {"at": "tomorrow"}),
        (("bob", "read_sales"), {"at": "2026-02-30T00:00:00Z"}),
    ],
)
def test_it_refuses_unclear_questions(bob, args, options):
    with pytest.raises(CommandError):
        run("rbac_explain", *args, **options)
