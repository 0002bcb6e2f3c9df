"""Who is let in by his address: notations, proxies, and the admin site."""

import pytest
from django.test import Client
from hypothesis import given
from hypothesis import strategies as st

from chatsec.core.errors import Invalid
from chatsec.core.networks import (
    is_within,
    parse_network,
    parse_networks,
    surroundings_of,
)

OFFICE = ["192.0.2.0/24", "2001:db8:1::/48"]


@pytest.mark.parametrize(
    ("text", "network"),
    [
        ("192.0.2.0/24", "192.0.2.0/24"),
        (" 192.0.2.7 ", "192.0.2.7/32"),
        ("192.0.2.0/255.255.255.0", "192.0.2.0/24"),
        ("2001:DB8::/32", "2001:db8::/32"),
        ("::1", "::1/128"),
        ("::ffff:192.0.2.0/120", "192.0.2.0/24"),
        ("::ffff:0:0/96", "0.0.0.0/0"),
        ("::ffff:c000:207", "192.0.2.7/32"),
        ("::/0", "::/0"),
    ],
)
def test_it_reads_a_network_in_every_notation(text, network):
    assert str(parse_network(text)) == network


@pytest.mark.parametrize(
    "text",
    ["", "office", "192.0.2.1/24", "192.0.2.0/33", "::/129", "1.2.3", "1/2/3", "*"],
)
def test_it_refuses_what_is_no_network(text):
    with pytest.raises(Invalid):
        parse_networks(["192.0.2.0/24", text])


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("192.0.2.0", True),
        ("192.0.2.255", True),
        ("192.0.3.0", False),
        ("::ffff:192.0.2.1", True),
        ("::ffff:192.0.3.1", False),
        ("2001:db8:1::5", True),
        ("2001:db8:2::5", False),
        ("::192.0.2.1", False),
        ("64:ff9b::192.0.2.1", False),
        ("192.0.2.1:443", False),
        ("192.0.2.1%eth0", False),
        ("0300.0.2.1", False),
        ("3221225985", False),
        ("", False),
        (None, False),
    ],
)
def test_an_address_is_inside_or_it_is_not(address, expected):
    assert is_within(address, parse_networks(OFFICE)) is expected


@given(address=st.ip_addresses(), bits=st.integers(min_value=0, max_value=32))
def test_every_address_is_in_the_network_that_is_made_of_it(address, bits):
    width = address.max_prefixlen - bits

    network = parse_network(str(_network(address, width)))

    assert is_within(str(address), [network])


def _network(address, width):
    import ipaddress

    return ipaddress.ip_network((address, width), strict=False)


def opened(path="/admin/", *, method="get", **environ):
    return getattr(Client(**environ), method)(path)


@pytest.fixture
def _office_only(settings):
    settings.CHATSEC_ADMIN_NETWORKS = OFFICE


@pytest.mark.django_db
@pytest.mark.usefixtures("_office_only")
class TestTheAdminSite:
    @pytest.mark.parametrize(
        ("address", "status"),
        [
            ("192.0.2.9", 302),
            ("::ffff:192.0.2.9", 302),
            ("2001:db8:1::9", 302),
            ("198.51.100.9", 404),
            ("::ffff:198.51.100.9", 404),
            ("2001:db8:9::9", 404),
            ("127.0.0.1", 404),
            ("nonsense", 404),
            ("", 404),
        ],
    )
    def test_it_opens_to_its_networks_only(self, address, status):
        assert opened(REMOTE_ADDR=address).status_code == status

    @pytest.mark.parametrize("method", ["get", "head", "post", "put", "options"])
    @pytest.mark.parametrize(
        "path",
        [
            "/admin",
            "/admin/",
            "/admin/login/",
            "/admin/accounts/user/",
            "/admin/accounts/user",
            "/admin/rbac/matrix/",
            "/admin/nowhere/",
            "/%61dmin/",
        ],
    )
    def test_outside_no_path_and_method_tells_that_it_is_there(self, path, method):
        answer = opened(path, method=method, REMOTE_ADDR="198.51.100.9")

        assert answer.status_code == 404
        assert "Location" not in answer
        assert "Set-Cookie" not in answer
        assert answer["Content-Security-Policy"]

    def test_outside_it_looks_like_a_page_that_is_not_there(self):
        hidden = opened("/admin/", REMOTE_ADDR="198.51.100.9")
        absent = opened("/nowhere/", REMOTE_ADDR="198.51.100.9")

        assert hidden.status_code == absent.status_code
        assert _plain(hidden) == _plain(absent)

    def test_a_signed_in_administrator_stays_outside_too(self, browser, admin):
        client = browser(admin)

        assert client.get("/admin/", REMOTE_ADDR="192.0.2.9").status_code == 200
        assert client.get("/admin/", REMOTE_ADDR="198.51.100.9").status_code == 404
        assert client.get("/account", REMOTE_ADDR="198.51.100.9").status_code == 200

    @pytest.mark.parametrize(
        ("trusted", "forwarded", "remote", "status"),
        [
            (0, "192.0.2.9", "198.51.100.9", 404),
            (0, "198.51.100.9", "192.0.2.9", 302),
            (1, "192.0.2.9", "10.0.0.1", 302),
            (1, "198.51.100.9", "192.0.2.1", 404),
            (1, "192.0.2.9, 198.51.100.9", "10.0.0.1", 404),
            (1, "198.51.100.9, 192.0.2.9", "10.0.0.1", 302),
            (2, "192.0.2.9, 10.0.0.2", "10.0.0.1", 302),
            (2, "192.0.2.9, 198.51.100.9, 10.0.0.2", "10.0.0.1", 404),
            (1, "::ffff:192.0.2.9", "10.0.0.1", 302),
            (1, "nonsense", "192.0.2.1", 404),
        ],
    )
    def test_it_believes_as_many_proxies_as_it_is_told(
        self, settings, trusted, forwarded, remote, status
    ):
        settings.CHATSEC_TRUSTED_PROXIES = trusted
        environ = {"HTTP_X_FORWARDED_FOR": forwarded, "REMOTE_ADDR": remote}

        assert opened(**environ).status_code == status

    @pytest.mark.parametrize(
        "header",
        ["HTTP_FORWARDED", "HTTP_X_REAL_IP", "HTTP_TRUE_CLIENT_IP", "HTTP_CLIENT_IP"],
    )
    def test_no_other_header_says_where_somebody_is(self, header):
        claimed = {header: "192.0.2.9", "REMOTE_ADDR": "198.51.100.9"}

        assert opened(**claimed).status_code == 404


@pytest.mark.django_db
def test_without_networks_it_opens_to_whoever_signs_in(settings):
    settings.CHATSEC_ADMIN_NETWORKS = []

    assert opened(REMOTE_ADDR="198.51.100.9").status_code == 302


def _plain(answer):
    text = answer.content.decode()
    nonce = answer.wsgi_request.csp_nonce
    token = text.split('name="csrf-token" content="')[1].split('"')[0]
    for own in (str(nonce), token, answer["X-Request-ID"]):
        text = text.replace(own, "")
    return text


@pytest.mark.parametrize(
    ("address", "around"),
    [
        ("192.0.2.7", "192.0.2.0/24"),
        ("::ffff:192.0.2.7", "192.0.2.0/24"),
        ("2001:db8:1:2::3", "2001:db8:1::/48"),
        ("no address", ""),
        ("", ""),
        (None, ""),
    ],
)
def test_it_names_the_network_around_an_address(address, around):
    assert surroundings_of(address) == around
