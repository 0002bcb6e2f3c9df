"""Logs: one JSON record a line, on the standard error."""

from __future__ import annotations


def logging(*, level: str) -> dict[str, object]:
    """Return the configuration of logging at this level."""
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"json": {"()": "chatsec.core.logs.JsonFormatter"}},
        "filters": {
            "quiet": {
                "()": "chatsec.core.logs.QuietTasks",
                "tasks": [
                    "auditlog.tasks.push_streams",
                    "auditlog.tasks.replay_spool",
                    "auditlog.tasks.seal_events",
                ],
            }
        },
        "handlers": {
            "stderr": {
                "class": "logging.StreamHandler",
                "formatter": "json",
                "filters": ["quiet"],
            }
        },
        "root": {"handlers": ["stderr"], "level": level},
        "loggers": {
            "django.server": {"handlers": ["stderr"], "propagate": False},
            # Below this it writes addresses, whose queries may hold secrets.
            "urllib3": {"level": "WARNING"},
            # At DEBUG they would write codes and tokens down.
            "oauthlib": {"level": "INFO"},
            "oauth2_provider": {"level": "INFO"},
        },
    }
