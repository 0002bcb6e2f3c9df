"""Verify that the audit log is what was sealed."""

from __future__ import annotations

import json
import multiprocessing
import re
from argparse import ArgumentTypeError
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import connections

from auditlog.services import verification
from auditlog.services.anchoring import read_anchors
from auditlog.services.verification import Chain, Finding, Report

WORKERS = 4
KEY = re.compile("[0-9a-f]{64}")


class Command(BaseCommand):
    """Hashes every event again and compares; ends with status 1 if anything differs."""

    help = "Verify the audit log: chain, signatures, every event, anchors."

    def add_arguments(self, parser: CommandParser) -> None:
        """Take what an outsider keeps, and how to say the result."""
        parser.add_argument(
            "--anchors", type=Path, help="A file of anchored heads to compare with."
        )
        parser.add_argument(
            "--key", type=_key, help="The first public key (hex), as published."
        )
        parser.add_argument("--workers", type=int, default=WORKERS)
        parser.add_argument("--json", action="store_true", help="Print the report.")
        parser.add_argument(
            "--chain-only", action="store_true", help="Check seals, not events."
        )

    def handle(self, *_args: Any, **options: Any) -> None:
        """Print what was verified; name each event and seal that is wrong."""
        chain = verification.walk_chain(public_key=options["key"])
        if options["anchors"]:
            verification.check_anchors(chain, _heads(options["anchors"]))
        report = chain.report
        if not options["chain_only"]:
            for part in self._events(chain, workers=max(1, options["workers"])):
                report.add(part)
            report.findings += verification.strays(chain)
        compared = not options["chain_only"]
        self._print(report, as_json=options["json"], compared=compared)
        if number := len(report.findings):
            differences = "1 difference" if number == 1 else f"{number} differences"
            raise CommandError(f"{differences}.", returncode=1)

    def _events(self, chain: Chain, *, workers: int) -> Iterator[Report]:
        batches = verification.plan_batches()
        verify = partial(
            _verify, pruned=tuple(chain.pruned), swept=frozenset(chain.swept)
        )
        # A connection does not survive a fork: each process opens its own.
        connections.close_all()
        fork = multiprocessing.get_context("fork")
        with ProcessPoolExecutor(workers, mp_context=fork) as pool:
            for done, part in enumerate(pool.map(verify, batches), start=1):
                self.stderr.write(f"{done} of {len(batches)} batches")
                yield part

    def _print(self, report: Report, *, as_json: bool, compared: bool) -> None:
        if as_json:
            found = [
                {
                    "fault": each.fault,
                    "seal": each.seal,
                    "event_id": str(each.event_id) if each.event_id else None,
                    "says": each.says,
                }
                for each in report.findings
            ]
            numbers = {
                "seals": report.seals,
                "events": report.events,
                "pruned": report.pruned,
                "unsealed": report.unsealed,
            }
            self.stdout.write(json.dumps({**numbers, "findings": found}, indent=1))
            return
        for each in report.findings:
            self.stdout.write(f"{each.fault}: {_place(each)} {each.says}".rstrip())
        looked_at = f"{report.seals} seals, events not compared"
        if compared:
            looked_at = (
                f"{report.seals} seals, {report.events} events"
                f" ({report.pruned} pruned after their retention,"
                f" {report.unsealed} not sealed yet)"
            )
        self.stdout.write(
            f"{looked_at}: {'all as sealed' if report.is_clean else 'NOT AS SEALED'}"
        )


def _key(given: str) -> str:
    spelled = given.strip().lower()
    if not KEY.fullmatch(spelled):
        raise ArgumentTypeError(f"{given!r} is not 64 hexadecimal digits")
    return spelled


def _verify(
    batch: tuple[int, int], *, pruned: tuple[str, ...], swept: frozenset[bytes]
) -> Report:
    return verification.verify_batch(*batch, pruned=pruned, swept=swept)


def _place(found: Finding) -> str:
    if found.event_id:
        return f"event {found.event_id}"
    return f"seal {found.seal}" if found.seal else "the log"


def _heads(path: Path) -> dict[int, str]:
    try:
        return read_anchors(path)
    except (OSError, ValueError, KeyError) as error:
        raise CommandError(f"{path} is not a file of anchors: {error}") from error
