"""The API: who is believed, what is read and written, how it describes itself."""

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "accounts.api.authentication.ApiKeyAuthentication",
        "accounts.api.authentication.AccessTokenAuthentication",
        "accounts.api.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["rbac.api.permissions.RequiredPermission"],
    "DEFAULT_PARSER_CLASSES": ["chatsec.core.parsers.StrictJSONParser"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PAGINATION_CLASS": "chatsec.core.api.CursorPage",
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "EXCEPTION_HANDLER": "chatsec.core.api.problem_handler",
    "UNAUTHENTICATED_USER": "django.contrib.auth.models.AnonymousUser",
    "TEST_REQUEST_DEFAULT_FORMAT": "json",
}
SPECTACULAR_SETTINGS = {
    "TITLE": "chatsec",
    "DESCRIPTION": "Ask the company's data in plain language; see only what you may.",
    "VERSION": "1",
    "OAS_VERSION": "3.1.0",
    "SERVE_INCLUDE_SCHEMA": False,
    "SCHEMA_PATH_PREFIX": "/api/v1",
    "SERVE_PERMISSIONS": ["rest_framework.permissions.AllowAny"],
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "REDOC_DIST": "SIDECAR",
    "POSTPROCESSING_HOOKS": [
        "drf_spectacular.hooks.postprocess_schema_enums",
        "chatsec.core.schema_problems.add_problems",
    ],
    "ENUM_NAME_OVERRIDES": {
        "SessionKind": "accounts.models.AuthSession.Kind",
        "SubjectRequestKind": "privacy.models.RequestKind",
        "FactorKind": "accounts.api.factor_serializers.KINDS",
        "KeyState": ["active", "revoked", "expired"],
        "AlertState": "auditlog.constants.ALERT_STATES",
    },
}
