"""The provider's addresses, at the root of the site."""

from django.urls import path

from accounts.oauth.metadata import provider_metadata
from accounts.oauth.userinfo import UserInfoView
from accounts.oauth.views import AuthorizeView, RevocationEndpoint, TokenEndpoint

urlpatterns = [
    path("o/authorize", AuthorizeView.as_view(), name="oauth-authorize"),
    path("o/token", TokenEndpoint.as_view(), name="oauth-token"),
    path("o/revoke", RevocationEndpoint.as_view(), name="oauth-revoke"),
    path("o/userinfo", UserInfoView.as_view(), name="oauth-userinfo"),
    path(
        ".well-known/openid-configuration",
        provider_metadata,
        name="oauth-openid-configuration",
    ),
    path(
        ".well-known/oauth-authorization-server",
        provider_metadata,
        name="oauth-server-metadata",
    ),
]
