"""The register as an installation starts with it: purposes, notice, retention."""

from hashlib import sha256

from django.db import migrations

PURPOSES = [
    (
        "answer_questions",
        "Answer your questions",
        "Your questions, their answers and what was needed to find them.",
        "contract",
    ),
    (
        "account",
        "Run your account",
        "Who you are, how you sign in, which roles you have.",
        "contract",
    ),
    (
        "support",
        "Hand you over to a person",
        "What you said before and after you asked for a person, and your feedback.",
        "contract",
    ),
    (
        "security_log",
        "Keep the service secure",
        "Sign-ins, refusals and unusual use, to notice and stop attacks.",
        "legitimate_interest",
    ),
    (
        "audit_trail",
        "Prove who accessed what",
        "A record of each access to protected data, which the law asks us to keep.",
        "legal_obligation",
    ),
    (
        "privacy_rights",
        "Answer your privacy requests",
        "What you asked for under data protection law, and what we did.",
        "legal_obligation",
    ),
    (
        "analytics",
        "Understand how the service is used",
        "Counts of questions by kind and time, without their text.",
        "legitimate_interest",
    ),
    (
        "improve_service",
        "Improve the understanding of questions",
        "Your questions, with personal details removed, as examples to learn from. "
        "Off unless you switch it on.",
        "consent",
    ),
]

POLICIES = [
    ("chat_logs", "Conversations", 90),
    ("analytics", "Usage analytics", 365),
    ("audit", "Audit, authorization and data access records", 2555),
    ("access_log", "Access records", 90),
    ("error_log", "Error records", 180),
    ("security_log", "Security records", 730),
    ("sessions", "Ended sessions", 90),
    ("sign_in_attempts", "Failed sign-ins", 90),
    ("privacy_requests", "Answered privacy requests", 1095),
]

NOTICE = """\
Who is responsible
The organisation that runs this service decides why and how your data is used. Its \
administrators are your contact, also for its data protection officer.

What is used, why, and on which basis
The page "My privacy" lists every kind of data that is held on you, what it is used \
for, and the lawful basis of each use (Article 6 GDPR).

Who receives it
People in the organisation whose role allows it, and nobody else unless this notice \
names them. Your data stays on the organisation's own systems.

How long it is kept
Conversations 90 days, usage analytics 365 days, audit records 2555 days, your account \
as long as you have it. A legal hold can make it longer.

Your rights
You may ask for a copy of your data, take it elsewhere, have it corrected, restricted \
or erased, and object to a use of it (Articles 15 to 21). An answer is due within one \
month. What you consented to you can withdraw at any time, by the same switch; that \
does not undo what was done before. You may complain to your supervisory authority.

Where it comes from
From you, from your organisation's directory, and from your use of the service.

Must you provide it
Without an account and your question the service cannot answer.

Automated decisions
Whether you may see something is decided by your roles alone. Nothing with a legal \
effect on you is decided without a person (Article 22).
"""


def seed(apps, schema_editor):
    Purpose = apps.get_model("privacy", "Purpose")
    RetentionPolicy = apps.get_model("privacy", "RetentionPolicy")
    NoticeVersion = apps.get_model("privacy", "NoticeVersion")
    rows = schema_editor.connection.alias
    for position, (key, title, description, basis) in enumerate(PURPOSES):
        Purpose.objects.using(rows).get_or_create(
            key=key,
            defaults={
                "title": title,
                "description": description,
                "basis": basis,
                "optional": basis == "consent",
                "position": position,
            },
        )
    for key, title, days in POLICIES:
        RetentionPolicy.objects.using(rows).get_or_create(
            key=key, defaults={"title": title, "days": days}
        )
    NoticeVersion.objects.using(rows).get_or_create(
        sha256=sha256(NOTICE.encode()).hexdigest(), defaults={"body": NOTICE}
    )


class Migration(migrations.Migration):
    dependencies = [("privacy", "0002_purposes_requests_retention")]

    operations = [
        # Going back leaves the rows: consents may hang on them, and the tables go anyway.
        migrations.RunPython(seed, migrations.RunPython.noop),
    ]
