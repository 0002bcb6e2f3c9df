"""Second factors as JSON: what proves, what is set up, what there is."""

from __future__ import annotations

from drf_spectacular.utils import extend_schema_serializer
from rest_framework import serializers

from accounts.constants import MAX_CODE_LENGTH, MAX_PASSWORD_LENGTH
from accounts.models import Passkey, RecoverySheet, TOTPFactor

MAX_NAME = 64
MAX_ID = 64
MAX_TICKET = 256
KINDS = (TOTPFactor.kind, Passkey.kind, RecoverySheet.kind)


class _CodeField(serializers.CharField):
    """A code of an authenticator app, or a recovery code."""

    def __init__(self, **options: object) -> None:
        super().__init__(
            max_length=MAX_CODE_LENGTH,
            trim_whitespace=False,
            **options,  # type: ignore[arg-type]  # what every field takes
        )


class OneProof(serializers.Serializer[None]):
    """Of the fields in `proofs` exactly one is sent."""

    proofs: tuple[str, ...] = ()

    def validate(self, attrs: dict[str, object]) -> dict[str, object]:
        """Refuse none and more than one proof."""
        if sum(name in attrs for name in self.proofs) != 1:
            names = ", ".join(self.proofs)
            raise serializers.ValidationError(f"Send one of: {names}.")
        return attrs


class ProofSerializer(OneProof):
    """A code, a passkey's answer, or the password of who has no second factor."""

    proofs = ("code", "passkey", "password")

    code = _CodeField(required=False)
    passkey = serializers.DictField(required=False)
    question_id = serializers.CharField(max_length=MAX_ID, required=False, default="")
    password = serializers.CharField(
        max_length=MAX_PASSWORD_LENGTH, required=False, trim_whitespace=False
    )


class SecondFactorSerializer(OneProof):
    """The code, or the passkey's answer, that a sign-in waits for."""

    proofs = ("code", "passkey")

    mfa_session_id = serializers.CharField(max_length=MAX_ID)
    code = _CodeField(required=False)
    passkey = serializers.DictField(required=False)


class SignInUnderWaySerializer(serializers.Serializer[None]):
    """A sign-in whose password was right."""

    mfa_session_id = serializers.CharField(max_length=MAX_ID)


class SecondFactorAskSerializer(serializers.Serializer[None]):
    """How a sign-in goes on; `options` is null for who has no passkey."""

    methods = serializers.ListField(child=serializers.CharField())
    options = serializers.DictField(allow_null=True)


class PasskeySignInSerializer(serializers.Serializer[None]):
    """A passkey's answer to the question of the ticket."""

    ticket = serializers.CharField(max_length=MAX_TICKET)
    passkey = serializers.DictField()


class TicketSerializer(serializers.Serializer[None]):
    """What a passkey is asked, and the ticket to send back with its answer."""

    ticket = serializers.CharField()
    options = serializers.DictField()


@extend_schema_serializer(component_name="PasskeyQuestion")
class QuestionSerializer(serializers.Serializer[None]):
    """What a passkey is asked, and the id to send back with its answer."""

    question_id = serializers.CharField()
    options = serializers.DictField()


class NewFactorSerializer(serializers.Serializer[None]):
    """What to set up, and what to call it."""

    kind = serializers.ChoiceField(choices=KINDS)
    name = serializers.CharField(max_length=MAX_NAME, required=False, default="")


class BegunFactorSerializer(serializers.Serializer[None]):
    """A factor to be confirmed next, or recovery codes, which are shown once."""

    id = serializers.CharField()
    kind = serializers.ChoiceField(choices=KINDS)
    secret = serializers.CharField(required=False)
    uri = serializers.CharField(required=False)
    options = serializers.DictField(required=False)
    codes = serializers.ListField(child=serializers.CharField(), required=False)


class ConfirmationSerializer(OneProof):
    """The app's first code, or what the new passkey answered."""

    proofs = ("code", "passkey")

    code = _CodeField(required=False)
    passkey = serializers.DictField(required=False)
    name = serializers.CharField(max_length=MAX_NAME, required=False, default="")


class FactorNameSerializer(serializers.Serializer[None]):
    """What the owner of a factor calls it; empty takes the name away."""

    name = serializers.CharField(max_length=MAX_NAME, allow_blank=True)


class FactorSerializer(serializers.Serializer[None]):
    """A factor that is set up."""

    id = serializers.UUIDField(source="handle")
    kind = serializers.ChoiceField(choices=KINDS)
    name = serializers.CharField()
    created_at = serializers.DateTimeField()
    last_used_at = serializers.DateTimeField(allow_null=True)
    codes_left = serializers.IntegerField(source="count_left", required=False)


class EnrolledSerializer(serializers.Serializer[None]):
    """A factor that counts from now on; the first brings recovery codes, once."""

    factor = FactorSerializer()
    recovery_codes = serializers.ListField(child=serializers.CharField())


class FactorPageSerializer(serializers.Serializer[None]):
    """All of one's own factors."""

    results = FactorSerializer(many=True)
    next = serializers.CharField(allow_null=True)
    previous = serializers.CharField(allow_null=True)
