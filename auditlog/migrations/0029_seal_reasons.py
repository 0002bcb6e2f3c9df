"""Why somebody is exempt was in clear: it is sealed, as notes on incidents are.

Under the key of the category, for a migration asks nobody for people's keys; reasons
that are given from now on are under the key of whom they are about.
"""

import os

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings
from django.db import migrations

CATEGORY = "security"
VERSION, NONCE_BYTES, KEY_BYTES = b"\x01", 12, 32


def key():
    label = f"audit:{CATEGORY}".encode()
    hkdf = HKDF(algorithm=SHA256(), length=KEY_BYTES, salt=None, info=label)
    return AESGCM(hkdf.derive(settings.CHATSEC_DATA_KEY))


def bound_to(pk):
    return f"auditlog.RuleException|reason_sealed|{CATEGORY}|{pk}".encode()


def sealed(pk, text):
    nonce = os.urandom(NONCE_BYTES)
    return VERSION + nonce + key().encrypt(nonce, text.encode(), bound_to(pk))


def opened(pk, blob):
    """Return the text; of what is under a person's key only that it was given."""
    nonce, text = blob[1 : 1 + NONCE_BYTES], blob[1 + NONCE_BYTES :]
    try:
        return key().decrypt(nonce, text, bound_to(pk)).decode()
    except InvalidTag:  # another key: the reason itself does not come back
        return "sealed"


def rows_of(apps, schema_editor):
    rows = apps.get_model("auditlog", "RuleException").objects
    return rows.using(schema_editor.connection.alias)


def seal(apps, schema_editor):
    rows = rows_of(apps, schema_editor)
    for pk, reason in rows.values_list("pk", "reason"):
        rows.filter(pk=pk).update(reason_sealed=sealed(pk, reason))


def unseal(apps, schema_editor):
    rows = rows_of(apps, schema_editor)
    for pk, blob in rows.values_list("pk", "reason_sealed"):
        rows.filter(pk=pk).update(reason=opened(pk, bytes(blob)))


class Migration(migrations.Migration):
    dependencies = [("auditlog", "0028_sealed_reasons")]
    operations = [migrations.RunPython(seal, unseal)]
