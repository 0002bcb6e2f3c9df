"""Other people's devices, ended by somebody whose role asks for no second factor."""

import pytest

from accounts.services import sessions, tokens
from accounts.tests.factories import make_session, make_user
from rbac.tests.factories import give_role
from rbac.tests.governing import make_role

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("one", [True, False])
def test_ending_other_peoples_devices_needs_a_second_factor(alice, api, one):
    phone = make_session(alice, kind="browser")
    make_role("helpdesk", "manage_users")
    helper = make_user("helper", totp=True)
    give_role(helper, "helpdesk")
    plain = sessions.start_session(helper, kind="token", amr=("pwd",))
    client = api()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {tokens.issue(plain).access}")
    path = f"/api/v1/users/{alice.id}/sessions" + (f"/{phone.id}" if one else "")

    refused = client.delete(path)

    assert (refused.status_code, refused.json()["code"]) == (403, "mfa_required")
    phone.refresh_from_db()
    assert phone.revoked_at is None
    assert api(helper).delete(path).status_code in (200, 204)
    phone.refresh_from_db()
    assert phone.revoked_because == "revoked_by_admin"
