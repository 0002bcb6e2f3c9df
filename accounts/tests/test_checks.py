import pytest
from django.core.checks import run_checks

from accounts import checks


def ids():
    return {found.id for found in run_checks() if found.id.startswith("accounts.")}


def test_the_settings_are_in_order():
    assert ids() == set()


@pytest.mark.parametrize(
    "backend",
    [
        "django.contrib.auth.backends.ModelBackend",
        "django.contrib.auth.backends.RemoteUserBackend",
    ],
)
def test_no_other_backend_signs_in(settings, backend):
    settings.AUTHENTICATION_BACKENDS = [*settings.AUTHENTICATION_BACKENDS, backend]

    assert ids() == {"accounts.E001"}


def test_sessions_are_ours(settings):
    settings.SESSION_ENGINE = "django.contrib.sessions.backends.signed_cookies"

    assert ids() == {"accounts.E002"}


@pytest.mark.parametrize("order", [slice(None, -1), slice(None, None, -1)])
def test_the_middleware_is_there_and_in_order(settings, order):
    ours = "accounts.middleware.SessionActorMiddleware"
    settings.MIDDLEWARE = (
        [name for name in settings.MIDDLEWARE if name != ours]
        if order.step is None
        else settings.MIDDLEWARE[order]
    )

    assert "accounts.E003" in ids()


@pytest.mark.parametrize("keys", [{}, {"k": b"short"}])
def test_tokens_have_keys(settings, keys):
    settings.CHATSEC_TOKEN_KEYS = keys

    assert ids() == {"accounts.E004"}


def test_production_hashes_with_argon2id(settings):
    settings.CHATSEC_ENV = "production"

    assert "accounts.E005" in ids()


def test_a_list_of_passwords_that_is_named_and_missing_stops_the_start(
    settings, tmp_path
):
    settings.CHATSEC_COMMON_PASSWORDS = str(tmp_path / "leaked.txt")
    assert [e.id for e in checks.check_password_list(None)] == ["accounts.E007"]

    (tmp_path / "leaked.txt").touch()

    assert checks.check_password_list(None) == []
