"""What other packages put into the admin and chatsec leaves out."""

import django.contrib.auth.admin  # noqa: F401 - registers groups, if nothing has yet
from django.contrib import admin
from django.contrib.auth.models import Group

# Roles decide here. A page that edits groups would promise what it does not do.
admin.site.unregister(Group)
