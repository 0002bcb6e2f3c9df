"""How the production server starts, and when it does not."""

import os
import subprocess
import sys

SERVER = ["-m", "gunicorn", "-c", "python:chatsec.gunicorn_conf", "chatsec.wsgi"]


def test_a_missing_secret_stops_the_server_with_one_line(tmp_path, settings):
    kept = {k: v for k, v in os.environ.items() if not k.startswith("CHATSEC_")}
    environment = {
        **kept,
        "CHATSEC_ENV": "production",
        "CHATSEC_DATA_DIR": str(tmp_path),
        "PROMETHEUS_MULTIPROC_DIR": str(tmp_path / "metrics"),
    }

    ended = subprocess.run(
        [sys.executable, *SERVER, "--bind", f"unix:{tmp_path}/web.sock"],
        cwd=settings.BASE_DIR,
        env=environment,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )

    assert ended.returncode == 1
    assert ended.stderr.count("chatsec: CHATSEC_SECRET_KEY is not set") == 1
    assert "Traceback" not in ended.stderr
    assert "Booting worker" not in ended.stderr
