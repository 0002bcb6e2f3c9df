"""Budgets of failed sign-ins, counted where every process sees them."""

from django.db import models


class AttemptBudget(models.Model):
    """The recent tries of one account, address or network, known by digest only."""

    class Scope(models.TextChoices):
        # In the order in which they are locked, so that two tries cannot deadlock.
        ACCOUNT = "account", "Account"
        ADDRESS = "address", "Address"
        # What a connected app itself sends from one address.
        APP = "app", "Connected app"
        # Tries from a browser that its owner used before, or in a session of his.
        DEVICE = "device", "Known device"
        SUBNET = "subnet", "Network"

    scope = models.CharField(max_length=8, choices=Scope.choices)
    digest = models.BinaryField(max_length=32, editable=False)
    # {reservation id: [unix time, failed]}; the window is exact because each is kept.
    tries = models.JSONField(default=dict)
    locked_until = models.DateTimeField(null=True)
    touched_at = models.DateTimeField(db_index=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["scope", "digest"], name="accounts_budget_one_per_key"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.scope} {bytes(self.digest).hex()[:12]}"
