import pytest
from rest_framework.test import APIClient


@pytest.mark.django_db
def test_the_document_says_how_to_sign_in():
    document = APIClient().get("/api/schema/?format=json").json()

    schemes = document["components"]["securitySchemes"]
    assert schemes["accessToken"]["scheme"] == "bearer"
    assert schemes["browserSession"]["in"] == "cookie"
    paths = document["paths"]
    for path, method in [
        ("/api/v1/auth/token", "post"),
        ("/api/v1/auth/token/mfa", "post"),
        ("/api/v1/auth/token/refresh", "post"),
        ("/api/v1/auth/token/revoke", "post"),
        ("/api/v1/auth/sessions", "get"),
        ("/api/v1/auth/sessions/{session_id}", "delete"),
        ("/api/v1/auth/step-up", "post"),
    ]:
        assert method in paths[path]
    listed = paths["/api/v1/auth/sessions"]["get"]
    assert {"accessToken": []} in listed["security"]
