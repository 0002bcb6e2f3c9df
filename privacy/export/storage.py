"""Where exports lie on disk: sealed, and readable by this system user only."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import BinaryIO

from django.conf import settings

from privacy.models import ExportArtifact, RequestTask


def directory() -> Path:
    """Return the exports directory, made if need be."""
    path = Path(settings.CHATSEC_DATA_DIR) / "exports"
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    return path


def artifact_path(artifact: ExportArtifact) -> Path:
    """Return where the finished file lies."""
    return directory() / artifact.file_name


def work_directory(artifact: ExportArtifact) -> Path:
    """Return where the parts of an unfinished export lie."""
    return directory() / f"{artifact.id}.parts"


def part_path(artifact: ExportArtifact, task: RequestTask) -> Path:
    """Return where one model's part lies."""
    return work_directory(artifact) / (task.file_name or "none")


def new_file(path: Path) -> BinaryIO:
    """Open a file that was not there before, for its owner only."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    return os.fdopen(handle, "wb")


def remove(artifact: ExportArtifact) -> None:
    """Delete the file and whatever is left of its making."""
    artifact_path(artifact).unlink(missing_ok=True)
    shutil.rmtree(work_directory(artifact), ignore_errors=True)
