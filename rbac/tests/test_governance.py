import pytest

from chatsec.core.errors import Invalid
from rbac.services.governance import cleaned_reason


@pytest.mark.parametrize(
    "reason",
    [
        "",
        " \n",
        "...",
        "\u200b\u200d",
        "\u202e",
        "a\x00b",
        "a\x1b[2Jb",
        "ok \u202eesiwrehto",
        "x" * 501,
    ],
)
def test_it_refuses_reasons_that_say_nothing_or_deceive(reason):
    with pytest.raises(Invalid) as refused:
        cleaned_reason(reason)

    assert refused.value.fields["reason"]


@pytest.mark.parametrize(
    "reason", ["#42", "covers for alice\nuntil Friday", "تغطية الإجازة", "休暇"]
)
def test_it_keeps_reasons_of_any_script(reason):
    assert cleaned_reason(f"  {reason} ") == reason
