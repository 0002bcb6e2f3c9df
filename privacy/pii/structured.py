"""Redacts JSON by key and by value, and log lines, JSON or not."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from privacy.pii.labels import PLACEHOLDER, Label
from privacy.pii.operators import Operator, OperatorName, get_operator
from privacy.pii.policy import DEFAULT, Policy
from privacy.pii.redaction import detect, redact

JsonValue: TypeAlias = (
    "Mapping[str, JsonValue] | Sequence[JsonValue] | str | int | float | bool | None"
)
MAX_DEPTH = 100
TOO_DEEP = "[TOO_DEEP_REDACTED]"
_KEY_PARTS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
_KEYS: Mapping[str, str] = {
    Label.SECRET: (
        "password passwd pwd passphrase passcode secret token apikey api_key "
        "access_key "
        "secret_key private_key client_secret authorization auth cookie set_cookie "
        "session_key "
        "access_token refresh_token id_token bearer credential credentials otp totp "
        "totp_secret mfa_code otp_code pin recovery_code recovery_codes signing_key "
        "encryption_key csrf_token csrfmiddlewaretoken new_password old_password "
        "password_confirm current_password jwt signature connection_string dsn "
        "database_url"
    ),
    Label.PERSON: (
        "first_name last_name full_name surname given_name family_name middle_name "
        "firstname lastname fullname maiden_name display_name customer_name "
        "patient_name employee_name contact_name recipient_name cardholder "
        "cardholder_name "
        "account_holder emergency_contact_name vorname nachname nombre apellido prenom"
    ),
    Label.EMAIL: "email email_address e_mail mail emails recipient_email",
    Label.PHONE: (
        "phone phone_number telephone mobile cell fax tel mobile_phone home_phone "
        "work_phone phones mobile_number telefon contact_number whatsapp"
    ),
    Label.SSN: (
        "ssn social_security social_security_number national_id nin nino tax_id tin "
        "itin bsn "
        "dni nif cpf pesel curp aadhaar personnummer sin national_insurance_number "
        "taxpayer_id government_id identity_number"
    ),
    Label.ADDRESS: (
        "address street street_address address_line address_line_1 address_line_2 "
        "home_address postal_address billing_address shipping_address mailing_address "
        "zip zip_code zipcode postcode postal_code line1 line2 address1 address2"
    ),
    Label.DATE_OF_BIRTH: (
        "dob date_of_birth birth_date birthdate birthday birthdate_on geburtsdatum"
    ),
    Label.CREDIT_CARD: (
        "card_number credit_card credit_card_number cc_number pan cvv cvc card cc_num "
        "cvv2 security_code"
    ),
    Label.IBAN: "iban",
    Label.ACCOUNT: (
        "account_number bank_account acct_number routing_number sort_code bic swift "
        "bank_account_number account_no wallet wallet_address"
    ),
    Label.EMPLOYEE_ID: (
        "employee_id employee_number emp_id staff_id staff_number personnel_number"
    ),
    Label.PASSPORT: "passport passport_number passport_no",
    Label.DRIVER_LICENSE: (
        "driver_license drivers_license driving_licence license_number "
        "driver_license_number "
        "driving_license dl_number drivers_license_number driver_licence"
    ),
    Label.IP: (
        "ip ip_address client_ip remote_addr remote_ip x_forwarded_for source_ip "
        "peer_ip"
    ),
    Label.GEO: (
        "latitude longitude lat lng lon gps coordinates geolocation "
        "location_coordinates"
    ),
    Label.USERNAME: "username user_name login login_name nickname screen_name handle",
    Label.MEDICAL: (
        "diagnosis medical_record_number mrn medication medications prescription "
        "allergies "
        "medical_history health_condition condition_name insurance_number blood_type "
        "medical_conditions health_insurance_number nhs_number"
    ),
    Label.BIOMETRIC: (
        "fingerprint_template voiceprint faceprint biometric biometrics face_template"
    ),
}
_LABEL_OF_KEY = {
    key: str(label) for label, keys in _KEYS.items() for key in keys.split()
}
# Ambiguous alone: {"name": "sales_summary"} is no person. Read in its key's light.
_HINTED = frozenset(
    {"name", "contact", "customer", "employee", "patient", "owner", "author"}
)


def label_of_key(key: str) -> str | None:
    """Return the label that a key gives its value, or None."""
    parts = [part.lower() for part in _KEY_PARTS.findall(key)]
    for first in range(min(len(parts), 3)):
        label = _LABEL_OF_KEY.get("_".join(parts[first:]))
        if label is not None:
            return label
    return None


@dataclass(frozen=True)
class _Walk:
    operator: Operator
    policy: Policy

    def value(self, value: JsonValue, depth: int, key: str = "") -> JsonValue:
        if depth > MAX_DEPTH:
            return TOO_DEEP
        label = label_of_key(key)
        if label is not None and self._wants(label):
            return self._hide(value, label, depth)
        if isinstance(value, str):
            return self._text(value, depth, key)
        if isinstance(value, Mapping):
            return self._object(value, depth)
        if isinstance(value, Sequence):
            return [self.value(item, depth + 1, key) for item in value]
        return self._number(value)

    def _wants(self, label: str) -> bool:
        return self.policy.labels is None or label in self.policy.labels

    def _object(self, value: "Mapping[str, JsonValue]", depth: int) -> JsonValue:
        result: dict[str, JsonValue] = {}
        for key, item in value.items():
            written = unique = self._plain(str(key))
            number = 2
            while unique in result:
                unique = f"{written}#{number}"
                number += 1
            result[unique] = self.value(item, depth + 1, str(key))
        return result

    def _hide(self, value: JsonValue, label: str, depth: int) -> JsonValue:
        """Replace every text and number below a telling key."""
        if depth > MAX_DEPTH:
            return TOO_DEEP
        if value is None or isinstance(value, bool) or value == "":
            return value
        if isinstance(value, Mapping):
            return {
                self._plain(str(key)): self._hide(
                    item, label_of_key(str(key)) or label, depth + 1
                )
                for key, item in value.items()
            }
        if isinstance(value, Sequence) and not isinstance(value, str):
            return [self._hide(item, label, depth + 1) for item in value]
        text = str(value)
        if is_placeholder(text):
            return text
        return self.operator(label, text)

    def _plain(self, text: str) -> str:
        return redact(text, operator=self.operator, policy=self.policy)

    def _text(self, text: str, depth: int, key: str) -> JsonValue:
        if text.lstrip()[:1] in {"{", "["}:
            try:
                inner = json.loads(text)
            except (ValueError, RecursionError):
                return self._plain(text)
            if isinstance(inner, dict | list):
                walked = self.value(inner, depth + 1)
                return (
                    text if walked == inner else json.dumps(walked, ensure_ascii=False)
                )
        if key.lower() in _HINTED:
            return self._hinted(text, key)
        return self._plain(text)

    def _hinted(self, text: str, key: str) -> str:
        """Redact a value that is a person's name if its key says so."""
        lead = f"{key.lower()}: "
        spans = detect(lead + text, policy=self.policy)
        if any(
            span.start <= len(lead) and span.end >= len(lead) + len(text)
            for span in spans
        ):
            return self.operator(str(spans[-1].label), text)
        return self._plain(text)

    def _number(self, value: JsonValue) -> JsonValue:
        """Redact a number that is an identifier by its own form, such as a card's."""
        if isinstance(value, bool) or not isinstance(value, int) or abs(value) < 10**11:
            return value
        text = str(value)
        hidden = self._plain(text)
        return value if hidden == text else hidden


def is_placeholder(text: str) -> bool:
    """Tell whether the whole text is something an operator of ours wrote."""
    return bool(PLACEHOLDER.fullmatch(text)) or set(text) == {"*"}


def redact_json(
    value: JsonValue,
    *,
    operator: Operator | OperatorName = "label",
    policy: Policy = DEFAULT,
) -> JsonValue:
    """Return the value redacted by key and by content at any depth.

    JSON inside strings is walked too; what is nested deeper than 100 is dropped.
    """
    return _Walk(get_operator(operator), policy).value(value, 0)


def redact_record_text(text: str) -> str:
    """Return a log line redacted: a JSON line by its keys, any other as text."""
    redacted = redact_json(text)
    return redacted if isinstance(redacted, str) else json.dumps(redacted)
