import base64
import stat

import pytest

from chatsec import installation
from chatsec.installation import MissingSetting


@pytest.mark.parametrize("name", installation.NAMES)
def test_a_production_start_names_the_secret_that_is_missing(tmp_path, name):
    given = {**installation.generated(), name: ""}

    with pytest.raises(MissingSetting, match=f"^chatsec: {name} is not set$"):
        installation.load(given, tmp_path, environment="production")

    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("CHATSEC_DATA_KEY", "not base64!"),
        ("CHATSEC_DATA_KEY", base64.b64encode(b"short").decode()),
        ("CHATSEC_KEY_ENCRYPTION_KEYS", "no-label"),
        ("CHATSEC_KEY_ENCRYPTION_KEYS", "one:" + base64.b64encode(bytes(32)).decode()),
        ("CHATSEC_TOKEN_KEYS", "k1:AAAA"),
    ],
)
def test_it_names_the_secret_that_is_malformed(tmp_path, name, value):
    given = {**installation.generated(), name: value}

    with pytest.raises(MissingSetting, match=name):
        installation.load(given, tmp_path, environment="production")


def test_elsewhere_secrets_are_made_once_and_kept_to_the_owner(tmp_path):
    first = installation.load({}, tmp_path, environment="development")
    second = installation.load({}, tmp_path, environment="development")

    assert first == second
    mode = (tmp_path / "secrets.json").stat().st_mode
    assert stat.S_IMODE(mode) == 0o600


def test_the_environment_wins_over_what_was_kept(tmp_path):
    kept = installation.load({}, tmp_path, environment="development")
    given = {"CHATSEC_SECRET_KEY": "from the environment"}

    found = installation.load(given, tmp_path, environment="development")

    assert found.secret_key == "from the environment"
    assert found.data_key == kept.data_key
