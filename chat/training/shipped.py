"""Rebuilds the model files that the repository ships, and their pins.

`python -m chat.training.shipped intents`
`python -m chat.training.shipped injection PATH_TO_TRAINING_DATA`
"""

import hashlib
import json
import re
import sys
from pathlib import Path

from chat.interpretation.model import LinearModel
from chat.interpretation.storage import encode
from chat.training.injection import read_samples, train_injection
from chat.training.intents import shipped_examples, train_intents

_CHAT = Path(__file__).parent.parent


def build_intents() -> dict[str, object]:
    """Write intents.npz and its pin; return the card."""
    trained = train_intents(shipped_examples())
    _write(trained.model, _CHAT / "interpretation", "intents", "INTENTS_SHA256")
    return dict(trained.card)


def build_injection(path: Path) -> dict[str, object]:
    """Write injection.npz from the data at `path`, and its pin; return the card."""
    trained = train_injection(read_samples(path))
    _write(trained.model, _CHAT / "guards", "injection", "INJECTION_SHA256")
    return dict(trained.card)


def _write(model: LinearModel, package: Path, name: str, pin: str) -> None:
    content = encode(model)
    (package / "models" / f"{name}.npz").write_bytes(content)
    pins = package / "pins.py"
    digest = hashlib.sha256(content).hexdigest()
    code = re.sub(rf'{pin} = "[0-9a-f]*"', f'{pin} = "{digest}"', pins.read_text())
    pins.write_text(code)


def main(arguments: list[str]) -> int:
    """Build what is named and print the card."""
    if arguments == ["intents"]:
        card = build_intents()
    elif len(arguments) == 2 and arguments[0] == "injection":
        card = build_injection(Path(arguments[1]))
    else:
        sys.stderr.write(f"{__doc__}\n")
        return 2
    sys.stdout.write(json.dumps(card, indent=1, sort_keys=True) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
