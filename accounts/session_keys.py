"""Names of what a browser session holds."""

AUTH_SESSION_KEY = "auth_session_id"
PRIVILEGES_KEY = "privileges"
CHALLENGE_KEY = "sign_in_challenge"
NEXT_KEY = "sign_in_next"
PROVIDER_BROWSER_KEY = "provider_browser"
