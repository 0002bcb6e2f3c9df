import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatsec.core.devices import name_device

WEBKIT = "AppleWebKit/605.1.15 (KHTML, like Gecko)"


@pytest.mark.parametrize(
    ("user_agent", "name"),
    [
        (
            "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
            "Firefox on Linux",
        ),
        (
            (
                f"Mozilla/5.0 (Windows NT 10.0; Win64) {WEBKIT} Chrome/140.0 Safari/537"
                " Edg/140.0"
            ),
            "Edge on Windows",
        ),
        (
            f"Mozilla/5.0 (Linux; Android 16) {WEBKIT} Chrome/140.0 Mobile Safari/537",
            "Chrome on Android",
        ),
        (
            (
                f"Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) {WEBKIT}"
                " Version/19.0 Mobile/15E148 Safari/604.1"
            ),
            "Safari on iPhone",
        ),
        (
            f"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15) {WEBKIT} Safari/605.1.15",
            "Safari on macOS",
        ),
        ("python-requests/2.32", "python-requests"),
        ("", ""),
    ],
)
def test_it_names_the_device(user_agent, name):
    assert name_device(user_agent) == name


@given(st.text())
def test_it_is_short_for_any_text(text):
    assert len(name_device(text)) <= 40
