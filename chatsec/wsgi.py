"""WSGI entry point."""

import os

from django.core.wsgi import get_wsgi_application
from django.db import connections

from auditlog.checks import assert_append_only

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "chatsec.settings")

application = get_wsgi_application()

# In production a role that can alter evidence must not serve a single request.
assert_append_only()
# The threads that serve have connections of their own: this one would lie unused.
connections.close_all()
