"""What browsers are told about every page."""

from csp.constants import NONCE, NONE, SELF

CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF, NONCE],
        "style-src": [SELF, NONCE],
        "img-src": [SELF, "data:"],
        "font-src": [SELF],
        "connect-src": [SELF],
        "manifest-src": [SELF],
        "object-src": [NONE],
        "base-uri": [NONE],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
        # The old and the new way; a browser that knows the new one drops the old.
        "report-uri": "/csp-reports",
        "report-to": "csp",
    },
}

REPORTING_ENDPOINTS = 'csp="/csp-reports"'
