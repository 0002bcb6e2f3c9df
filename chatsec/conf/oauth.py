"""OAuth 2.0 and OpenID Connect for connected apps (docs/adr/0013-connected-apps.md)."""

from __future__ import annotations


def provider(*, issuer: str) -> dict[str, object]:
    """Return the library's settings: all of RFC 9700, and nothing that is not used."""
    return {
        "OAUTH2_SERVER_CLASS": "accounts.oauth.server.CodeServer",
        "OAUTH2_VALIDATOR_CLASS": "accounts.oauth.validator.Validator",
        "APPLICATION_ADMIN_CLASS": "accounts.oauth.admin.OAuthApplicationAdmin",
        "SCOPES_BACKEND_CLASS": "accounts.oauth.offers.Offers",
        "ACCESS_TOKEN_GENERATOR": "accounts.oauth.validator.access_token_for",
        "REFRESH_TOKEN_GENERATOR": "accounts.oauth.validator.refresh_token_for",
        "AUTHORIZATION_CODE_EXPIRE_SECONDS": 60,
        "ACCESS_TOKEN_EXPIRE_SECONDS": 10 * 60,
        "ID_TOKEN_EXPIRE_SECONDS": 10 * 60,
        "REFRESH_TOKEN_EXPIRE_SECONDS": 30 * 24 * 60 * 60,
        "REFRESH_TOKEN_GRACE_PERIOD_SECONDS": 0,
        "REFRESH_TOKEN_REUSE_PROTECTION": True,
        "ROTATE_REFRESH_TOKEN": True,
        "REQUEST_APPROVAL_PROMPT": "force",
        "ALLOWED_REDIRECT_URI_SCHEMES": ["https"],
        "ALLOW_URI_WILDCARDS": False,
        "ALLOW_LOCALHOST_LOOPBACK": False,
        "PKCE_REQUIRED": True,
        "OIDC_ENABLED": True,
        "OIDC_ISS_ENDPOINT": issuer,
        "OIDC_RESPONSE_TYPES_SUPPORTED": ["code"],
        "OIDC_RP_INITIATED_LOGOUT_ENABLED": False,
        "OIDC_RP_INITIATED_REGISTRATION_ENABLED": False,
        "OAUTH2_RESPONSE_TYPES_SUPPORTED": ["code"],
        "OAUTH2_GRANT_TYPES_SUPPORTED": ["authorization_code", "refresh_token"],
        "DCR_ENABLED": False,
        "CIMD_ENABLED": False,
        **{
            f"COMPLIANT_BCP_RFC9700_{recommendation}": True
            for recommendation in (
                "IMPLICIT_GRANT",
                "PASSWORD_GRANT",
                "PKCE_METHOD",
                "PKCE_REQUIRED",
                "ACCESS_TOKEN_TRANSPORT",
                "AUTHZ_RESPONSE_ISS",
                "TOKEN_STORAGE",
                "REFRESH_TOKEN",
                "REDIRECT_URI_SCHEME",
                "REDIRECT_URI_MATCHING",
            )
        },
    }
