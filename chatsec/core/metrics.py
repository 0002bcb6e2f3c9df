"""What Prometheus reads: requests by route, and the process that answers.

With PROMETHEUS_MULTIPROC_DIR set (chatsec.gunicorn_conf does it) the counts of all web
processes are added up; otherwise they are this process's own.
"""

from __future__ import annotations

import ipaddress
import os
import time
from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple

from django.conf import settings
from django.db import Error
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils.module_loading import import_string
from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    Histogram,
    PlatformCollector,
    ProcessCollector,
    generate_latest,
    multiprocess,
)
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from chatsec.core.errors import DomainError
from chatsec.core.middleware import client_address
from chatsec.core.outage import is_out_of_reach

GetResponse = Callable[[HttpRequest], HttpResponseBase]
CONTENT_TYPE = CONTENT_TYPE_LATEST
LOOPBACK = ("127.0.0.0/8", "::1/128")
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)

_own = CollectorRegistry()
_requests = Counter(
    "chatsec_http_requests",
    "Requests answered, by route name, method and status.",
    ("route", "method", "status"),
    registry=_own,
)
_seconds = Histogram(
    "chatsec_http_request_seconds",
    "Time until the answer began, by route name.",
    ("route",),
    buckets=BUCKETS,
    registry=_own,
)
_csp_reports = Counter(
    "chatsec_csp_reports",
    "Violations of the Content-Security-Policy that browsers reported.",
    ("directive",),
    registry=_own,
)
# Names come from outside; a metric must not grow with what somebody types.
CSP_DIRECTIVES = frozenset(settings.CONTENT_SECURITY_POLICY["DIRECTIVES"])


class MetricsMiddleware:
    """Counts and times every answer; it never names a path, which may hold an id."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Serve the request, then count it."""
        began = time.perf_counter()
        response = self.get_response(request)
        route = _route(request)
        method = request.method if request.method in METHODS else "other"
        _requests.labels(route, method, response.status_code).inc()
        _seconds.labels(route).observe(time.perf_counter() - began)
        return response


def count_csp_report(directive: str) -> None:
    """Count a violation under its directive; `-elem` and `-attr` are kinds of it."""
    name = directive.removesuffix("-elem").removesuffix("-attr")
    _csp_reports.labels(name if name in CSP_DIRECTIVES else "other").inc()


class Labelled(NamedTuple):
    """A gauge of several values: what tells them apart, and each with its words."""

    labels: tuple[str, ...]
    values: Mapping[tuple[str, ...], float]


class _Gauges(Collector):
    """What higher layers measure when somebody asks: CHATSEC_GAUGES names them."""

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Yield a gauge for each that can be measured now.

        Those that need no database are named first: without one, none after them is
        worth the wait.
        """
        for name, path in settings.CHATSEC_GAUGES.items():
            try:
                yield _measured(name, import_string(path))
            except (Error, OSError, DomainError) as error:
                if is_out_of_reach(error):
                    return


def _measured(name: str, measure: Callable[[], float | Labelled]) -> GaugeMetricFamily:
    words, found = (measure.__doc__ or name).splitlines()[0], measure()
    if not isinstance(found, Labelled):
        return GaugeMetricFamily(name, words, value=found)
    gauge = GaugeMetricFamily(name, words, labels=found.labels)
    for values, value in found.values.items():
        gauge.add_metric(values, value)
    return gauge


def exposition() -> bytes:
    """Return every metric in Prometheus' text form."""
    registry = CollectorRegistry()
    ProcessCollector(registry=registry)
    PlatformCollector(registry=registry)
    registry.register(_Gauges())
    text = generate_latest(registry)
    if "PROMETHEUS_MULTIPROC_DIR" in os.environ:
        shared = CollectorRegistry()
        multiprocess.MultiProcessCollector(shared)  # type: ignore[no-untyped-call]
        return text + generate_latest(shared)
    return text + generate_latest(_own)


def may_read(request: HttpRequest) -> bool:
    """Tell whether the caller's address is one that settings let read metrics.

    A forwarded request without a trusted proxy is nobody's: its address is the proxy's.
    """
    address = client_address(request)
    if address is None:
        return False
    if "X-Forwarded-For" in request.headers and not settings.CHATSEC_TRUSTED_PROXIES:
        return False
    networks = getattr(settings, "CHATSEC_METRICS_NETWORKS", LOOPBACK)
    caller = ipaddress.ip_address(address)
    return any(caller in ipaddress.ip_network(network) for network in networks)


def _route(request: HttpRequest) -> str:
    match = request.resolver_match
    return (match.view_name if match else "") or "unnamed"
