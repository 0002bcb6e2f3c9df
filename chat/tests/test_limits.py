"""Never more than N in any window, whoever asks and however many at once."""

import threading
import time
from uuid import uuid4

import pytest

from chat.services.limits import ANONYMOUS, Limit, RateLimited, take, take_place
from chatsec.core import context
from chatsec.core.context import ANONYMOUS as NOBODY
from chatsec.core.context import RequestContext


def fresh(quota=3, seconds=60):
    return Limit(f"test-{uuid4().hex}", quota, seconds)


def test_it_lets_exactly_as_many_through():
    limit = fresh(quota=3)

    left = [take(limit, "a").remaining for _ in range(3)]

    assert left == [2, 1, 0]
    with pytest.raises(RateLimited) as refused:
        take(limit, "a")
    assert 1 <= refused.value.retry_after_seconds <= 60
    take(limit, "b")


def test_refused_tries_do_not_count():
    limit = fresh(quota=1, seconds=1)
    take(limit, "a")

    started = time.monotonic()
    while time.monotonic() - started < 5:
        try:
            take(limit, "a")
        except RateLimited:
            time.sleep(0.05)
        else:
            break

    assert 0.9 < time.monotonic() - started < 3


def test_the_window_slides():
    limit = fresh(quota=2, seconds=2)
    take(limit, "a")
    time.sleep(1.2)
    take(limit, "a")

    with pytest.raises(RateLimited) as refused:
        take(limit, "a")

    # Only the first place becomes free, not the whole window.
    assert refused.value.retry_after_seconds == 1
    time.sleep(1)
    take(limit, "a")
    with pytest.raises(RateLimited):
        take(limit, "a")


def test_it_tells_what_is_left_in_the_header():
    limit = fresh(quota=5, seconds=60)

    headers = take(limit, "a").headers()

    assert headers["RateLimit-Policy"] == f'"{limit.name}";q=5;w=60'
    assert headers["RateLimit"] == f'"{limit.name}";r=4;t=60'


def test_sixty_four_at_once_take_no_more_than_there_are():
    limit = fresh(quota=10)
    through = []
    start = threading.Barrier(64)

    def try_it():
        start.wait()
        try:
            through.append(take(limit, "a"))
        except RateLimited:
            return

    threads = [threading.Thread(target=try_it) for _ in range(64)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(through) == 10
    assert sorted(usage.remaining for usage in through) == list(range(10))


def spend(ip):
    with context.bound(RequestContext(ip=ip)):
        for _ in range(ANONYMOUS.quota):
            take_place(NOBODY)


def is_limited(ip):
    with context.bound(RequestContext(ip=ip)):
        try:
            take_place(NOBODY)
        except RateLimited:
            return True
    return False


@pytest.mark.parametrize(
    ("spent", "other", "shares"),
    [
        ("192.0.2.7", "192.0.2.7", True),
        ("192.0.2.8", "192.0.2.9", False),
        ("2001:db8:0:1::1", "2001:db8:0:1:ffff::9", True),
        ("2001:db8:0:2::1", "2001:db8:0:3::1", False),
        (None, None, True),
    ],
)
def test_an_address_or_an_ipv6_network_shares_a_window(spent, other, shares):
    spend(spent)

    assert is_limited(other) is shares
