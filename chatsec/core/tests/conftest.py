"""Names and servers for outgoing calls that the test decides on."""

import pytest

from chatsec.core.tests import network
from chatsec.core.tests.network import PUBLIC, says

WIRE = network.Wire()


@pytest.fixture(scope="module")
def served():
    zone = network.Zone()
    with network.name_server(zone) as port:
        yield zone, port


@pytest.fixture
def zone(monkeypatch, served):
    """Resolve names by a local server whose answers the test decides."""
    zone, port = served
    zone.asked.clear()
    zone.names = {
        "localhost": lambda count: ["127.0.0.1"],
        "public.test": lambda count: [PUBLIC],
        "loopback.test": lambda count: ["127.0.0.1"],
        "loopback6.test": lambda count: ["::1"],
        "mapped.test": lambda count: ["::ffff:7f00:1"],
        "metadata.test": lambda count: ["169.254.169.254"],
        "both.test": lambda count: [PUBLIC, "127.0.0.1"],
        "rebinding.test": lambda count: [PUBLIC if count == 1 else "127.0.0.1"],
        "restless.test": lambda count: ["127.0.0.1" if count % 2 else PUBLIC],
    }
    monkeypatch.setattr("socket.getaddrinfo", network.ask(port))
    return zone


@pytest.fixture
def wire(zone):
    WIRE.tried.clear()
    WIRE.watching = True
    yield WIRE
    WIRE.watching = False


@pytest.fixture
def canary():
    with network.server(says(b"inside")) as seen:
        yield seen
