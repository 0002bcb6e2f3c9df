"""The conversation that the reference chapter prints must come out clean."""

from privacy.pii import redact

ADDRESS_TURN = (
    "I need to update my address. I'm moving to 123 Main Street, Apartment 4B, "
    "Seattle WA 98101"
)
CONTACT_TURN = (
    "EMP-45678. Also, can you update my emergency contact to my sister Jane Smith "
    "at 555-1234?"
)


def test_it_takes_the_whole_address_out():
    assert redact(ADDRESS_TURN) == (
        "I need to update my address. I'm moving to [ADDRESS_REDACTED]"
    )


def test_it_takes_staff_number_name_and_short_phone_out():
    assert redact(CONTACT_TURN) == (
        "[EMPLOYEE_ID_REDACTED]. Also, can you update my emergency contact to my "
        "sister [PERSON_REDACTED] at [PHONE_REDACTED]?"
    )


def test_it_leaves_the_question_between_them():
    question = "I can help with that. What's your employee ID?"

    assert redact(question) == question


def test_it_cleans_the_conversation_as_one_text():
    text = f"{ADDRESS_TURN}\nI can help with that.\n{CONTACT_TURN}"

    redacted = redact(text)

    for value in ("Main", "4B", "Seattle", "98101", "45678", "Jane", "Smith", "1234"):
        assert value not in redacted
