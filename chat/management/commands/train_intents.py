"""`manage.py train_intents`: learn the catalogue's questions, keep the model."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from chat.interpretation import save_model
from chat.models import QueryDefinition
from chat.stages.understanding import MODEL_KEY, model_path
from chatsec.core import crypto

FEWEST_QUERIES = 2


class Command(BaseCommand):
    """Trains on the examples of enabled queries; all processes use it at once."""

    help = "Train the intent model from the catalogue's examples."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take where to write the model."""
        parser.add_argument("--output", type=Path, default=None)

    def handle(self, *args: Any, **options: Any) -> None:
        """Train, sign under the installation's key, print the card."""
        from chat.training.intents import (  # noqa: PLC0415 - scikit-learn only here
            train_intents,
        )

        examples = {
            key: [str(example) for example in found]
            for key, found in QueryDefinition.objects.filter(enabled=True).values_list(
                "key", "examples"
            )
            if found
        }
        if len(examples) < FEWEST_QUERIES:
            raise CommandError(
                "The catalogue has fewer than two queries with examples."
            )
        trained = train_intents(examples)
        path: Path = options["output"] or model_path()
        path.parent.mkdir(parents=True, exist_ok=True)
        save_model(trained.model, path, key=crypto.derived_key(MODEL_KEY))
        self.stdout.write(json.dumps(trained.card, indent=1, default=str))
        self.stdout.write(f"Saved to {path}")
