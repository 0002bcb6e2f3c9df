"""What other packages put into the admin and chatsec leaves out."""

import django.contrib.auth.admin  # noqa: F401 - registers groups, if nothing has yet
import oauth2_provider.admin  # noqa: F401 - registers its tables likewise
from django.contrib import admin
from django.contrib.auth.models import Group
from oauth2_provider import models as oauth

# Roles decide here. A page that edits groups would promise what it does not do.
admin.site.unregister(Group)

# Tokens are sessions' here: these tables stay empty.
for model in (oauth.AccessToken, oauth.Grant, oauth.IDToken, oauth.RefreshToken):
    admin.site.unregister(model)
