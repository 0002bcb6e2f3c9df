"""The event log, its seals, detection rules, the alerts they raise, and incidents."""

from __future__ import annotations

from auditlog.models.activity import (
    ActorBaseline,
    ActorHour,
    KnownPlace,
    RiskSignal,
)
from auditlog.models.alert import Alert
from auditlog.models.difference import LogDifference
from auditlog.models.event import Event
from auditlog.models.export_place import ExportPlace
from auditlog.models.incident import Incident, IncidentEntry
from auditlog.models.route import Delivery, Route
from auditlog.models.rule import DetectionRule, RuleException, RuleRun
from auditlog.models.saved_search import SavedSearch
from auditlog.models.seal import Anchor, Seal
from auditlog.models.stream import EventStream
from auditlog.models.surprise import ActorDay, ActorSurprise, SurpriseScale
from auditlog.models.trial import RuleTrial

__all__ = [
    "ActorBaseline",
    "ActorDay",
    "ActorHour",
    "ActorSurprise",
    "Alert",
    "Anchor",
    "Delivery",
    "DetectionRule",
    "Event",
    "EventStream",
    "ExportPlace",
    "Incident",
    "IncidentEntry",
    "KnownPlace",
    "LogDifference",
    "RiskSignal",
    "Route",
    "RuleException",
    "RuleRun",
    "RuleTrial",
    "SavedSearch",
    "Seal",
    "SurpriseScale",
]
