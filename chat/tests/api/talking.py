"""A conversation as a client of the API leads it."""

QUESTION = {"text": "Show me team sales for Q4"}


def start(client, **body):
    """Return the id of a new conversation."""
    answer = client.post("/api/v1/conversations", body)
    assert answer.status_code == 201, answer.content
    return answer.json()["id"]


def messages(conversation):
    """Return the path of its messages."""
    return f"/api/v1/conversations/{conversation}/messages"
