"""The OAuth 2.0 and OpenID Connect provider: django-oauth-toolkit, our own storage."""
