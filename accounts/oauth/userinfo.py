"""Who connected the app, for the app (OpenID Connect Core section 5.3)."""

from __future__ import annotations

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api.authentication import AccessTokenAuthentication
from accounts.api.caller import caller
from accounts.app_scopes import EMAIL, OPENID, PROFILE
from chatsec.core.api import ANY_CALLER, ApiView
from chatsec.core.context import current_actor
from chatsec.core.errors import Denied


class UserInfoView(ApiView):
    """GET and POST /o/userinfo, with a connected app's access token in the header."""

    required_permission = ANY_CALLER
    app_scopes = (OPENID,)
    authentication_classes = (AccessTokenAuthentication,)

    @extend_schema(exclude=True)
    def get(self, request: Request) -> Response:
        """Return the claims that the person agreed to."""
        scopes = current_actor().scopes or ()
        if OPENID not in scopes:
            raise Denied("The app may not know who you are.", code="insufficient_scope")
        user = caller(request)
        claims = {"sub": str(user.id)}
        if PROFILE in scopes:
            claims |= {"preferred_username": user.username, "name": user.display_name}
        if EMAIL in scopes:
            claims["email"] = user.email
        return Response(claims)

    @extend_schema(exclude=True)
    def post(self, request: Request) -> Response:
        """Return the same."""
        return self.get(request)
