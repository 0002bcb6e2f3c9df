"""Following an invitation."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from accounts.errors import LinkExpired
from accounts.forms import InvitationForm
from accounts.models import AccountToken, User
from accounts.services import invitations
from accounts.views.form_pages import find_link, link_expired, show_form, token_of
from chatsec.core.errors import Invalid, TooMany


@sensitive_post_parameters("token", "password", "again")
@require_http_methods(["GET", "POST"])
def invitation_page(request: HttpRequest) -> HttpResponse:
    """Choose a name and the first password."""
    link = find_link(request, AccountToken.Purpose.INVITATION)
    if link is None:
        return link_expired(request, "sign-in")
    initial = {"display_name": _name_of(link.user)}
    form = InvitationForm(request.POST or None, initial=initial)
    if request.method == "GET" or not form.is_valid():
        return _page(request, form, link)
    try:
        invitations.accept_invitation(
            token_of(request),
            password=form.cleaned_data["password"],
            display_name=form.cleaned_data["display_name"],
        )
    except LinkExpired:
        return link_expired(request, "sign-in")
    except (Invalid, TooMany) as refusal:
        return _page(request, form, link, refusal)
    messages.success(request, "Welcome. Please sign in with your new password.")
    return redirect("sign-in")


def _name_of(user: User) -> str:
    """Return the name that the inviting person gave, if it is more than the login."""
    return "" if user.display_name == user.username else user.display_name


def _page(
    request: HttpRequest,
    form: InvitationForm,
    link: AccountToken,
    refusal: Invalid | TooMany | None = None,
) -> HttpResponse:
    return show_form(
        request,
        "accounts/invitation.html",
        form,
        refusal=refusal,
        shown={"token": token_of(request), "username": link.user.username},
    )
