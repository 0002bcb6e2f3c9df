"""The endpoints of the protocol, with the one grant that chatsec gives.

The library's ready-made server carries every grant and relies on each being refused
further in. Here the implicit, password, client credentials, hybrid and device grants
do not exist (RFC 9700 sections 2.1.2 and 2.4).
"""

from __future__ import annotations

from collections.abc import Callable

from oauthlib.common import Request
from oauthlib.oauth2.rfc6749.endpoints import (
    AuthorizationEndpoint,
    RevocationEndpoint,
    TokenEndpoint,
)
from oauthlib.oauth2.rfc6749.tokens import BearerToken
from oauthlib.openid import RequestValidator
from oauthlib.openid.connect.core.grant_types import (
    AuthorizationCodeGrant,
    RefreshTokenGrant,
)

Generator = Callable[[Request], str]


class CodeServer(AuthorizationEndpoint, TokenEndpoint, RevocationEndpoint):
    """Authorization code with PKCE, refresh, revocation; nothing else."""

    def __init__(
        self,
        request_validator: RequestValidator,
        *,
        token_generator: Generator,
        refresh_token_generator: Generator,
        token_expires_in: int,
        **_others: object,
    ) -> None:
        code = AuthorizationCodeGrant(request_validator)
        bearer = BearerToken(
            request_validator,
            token_generator,
            token_expires_in,
            refresh_token_generator,
        )
        AuthorizationEndpoint.__init__(
            self,
            default_response_type="code",
            response_types={"code": code},
            default_token_type=bearer,
        )
        TokenEndpoint.__init__(
            self,
            default_grant_type="authorization_code",
            grant_types={
                "authorization_code": code,
                "refresh_token": RefreshTokenGrant(request_validator),
            },
            default_token_type=bearer,
        )
        RevocationEndpoint.__init__(self, request_validator)
