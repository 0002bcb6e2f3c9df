"""Model files: arrays only, never pickle, and nothing is read before it is verified.

A shipped file is pinned by its SHA-256 in code. A retrained file ends with an
HMAC-SHA256 under a key of the installation.
"""

import hashlib
import hmac
import io
import json
import os
import tempfile
import zipfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import numpy.typing as npt

from chat.interpretation.model import LinearModel, feature_table

FORMAT = 1
MAX_BYTES = 64 * 1024 * 1024
_TAG = b"chatsec-model-v1\n"
_MAC_BYTES = 32
_MIN_KEY_BYTES = 32


class ModelRejected(Exception):
    """The file is not the one that was trained here; nothing of it was used."""


def load_pinned(path: Path, *, sha256: str) -> LinearModel:
    """Load the shipped model; ModelRejected when one byte differs from the pin."""
    content = _read(path)
    if not hmac.compare_digest(hashlib.sha256(content).hexdigest(), sha256):
        raise ModelRejected(f"{path.name} is not the file that was shipped.")
    return _decode(content)


def load_model(path: Path, *, key: bytes) -> LinearModel:
    """Load a model retrained here; ModelRejected when tag or key do not fit."""
    _require_key(key)
    content = _read(path)
    trailer = len(_TAG) + _MAC_BYTES
    body, tag, mac = content[:-trailer], content[-trailer:-_MAC_BYTES], content[-32:]
    if tag != _TAG or not hmac.compare_digest(_mac(body, key), mac):
        raise ModelRejected(f"The signature of {path.name} does not fit.")
    return _decode(body)


def save_model(model: LinearModel, path: Path, *, key: bytes) -> None:
    """Leave a complete and signed file there, or the old one."""
    _require_key(key)
    body = encode(model)
    _replace(path, body + _TAG + _mac(body, key))


def encode(model: LinearModel) -> bytes:
    """Give the same bytes for the same model, so that they can be pinned."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, array in _arrays(model).items():
            content = io.BytesIO()
            np.lib.format.write_array(content, array, allow_pickle=False)
            entry = zipfile.ZipInfo(f"{name}.npy", date_time=(1980, 1, 1, 0, 0, 0))
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, content.getvalue())
    return buffer.getvalue()


def _arrays(model: LinearModel) -> dict[str, npt.NDArray[np.generic]]:
    card = {**model.card, "format": FORMAT, "labels": list(model.labels)}
    return {
        "card": _from_text(json.dumps(card, sort_keys=True, ensure_ascii=False)),
        "known": _from_text("\n".join(sorted(model.known))),
        "words": _from_text("\n".join(model.words.index)),
        "characters": _from_text("\n".join(model.characters.index)),
        "word_rarity": model.words.rarity.astype(np.float16),
        "character_rarity": model.characters.rarity.astype(np.float16),
        "weights": model.weights.astype(np.float16),
        "bias": model.bias.astype(np.float32),
    }


def _decode(content: bytes) -> LinearModel:
    try:
        with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
            return _assemble({name: arrays[name] for name in arrays.files})
    except (KeyError, ValueError, TypeError, OSError, zipfile.BadZipFile) as error:
        raise ModelRejected("The file does not hold a usable model.") from error


def _assemble(arrays: Mapping[str, npt.NDArray[np.generic]]) -> LinearModel:
    card = json.loads(_to_text(arrays["card"]))
    words = _to_text(arrays["words"]).split("\n")
    characters = _to_text(arrays["characters"]).split("\n")
    labels = tuple(card.pop("labels"))
    weights = arrays["weights"].astype(np.float32)
    if card.pop("format") != FORMAT or weights.shape != (
        len(words) + len(characters),
        len(labels),
    ):
        raise ValueError("The parts of the model do not fit together.")
    return LinearModel(
        labels=labels,
        known=frozenset(_to_text(arrays["known"]).split()),
        words=feature_table(words, arrays["word_rarity"].astype(np.float32)),
        characters=feature_table(
            characters, arrays["character_rarity"].astype(np.float32)
        ),
        weights=weights,
        bias=arrays["bias"].astype(np.float32),
        card=card,
    )


def _from_text(text: str) -> npt.NDArray[np.generic]:
    return np.frombuffer(text.encode("utf-8"), dtype=np.uint8)


def _to_text(array: npt.NDArray[np.generic]) -> str:
    return array.tobytes().decode("utf-8")


def _read(path: Path) -> bytes:
    try:
        if path.stat().st_size > MAX_BYTES:
            raise ModelRejected(f"{path.name} is too large for a model.")
        return path.read_bytes()
    except OSError as error:
        raise ModelRejected(f"{path.name} can not be read.") from error


def _replace(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def _mac(body: bytes, key: bytes) -> bytes:
    return hmac.new(key, _TAG + body, hashlib.sha256).digest()


def _require_key(key: bytes) -> None:
    if len(key) < _MIN_KEY_BYTES:
        raise ValueError("The installation key has 32 bytes or more.")
