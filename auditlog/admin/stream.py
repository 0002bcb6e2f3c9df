"""Streams of events to other systems: set up, tried out and watched here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.utils.safestring import SafeString

from auditlog.addresses import shown_url, url_problem
from auditlog.admin import cells
from auditlog.models import EventStream
from auditlog.selectors.sealed import Lag, Mark, lag_behind
from auditlog.services import streaming
from chatsec.core.crypto import DecryptionFailed

if TYPE_CHECKING:
    StreamFormBase = forms.ModelForm[EventStream]
    StreamPages = admin.ModelAdmin[EventStream]
else:  # the stubs know generics, Django does not
    StreamFormBase, StreamPages = forms.ModelForm, admin.ModelAdmin

# A stream shows its receiver the log: who sets one up has to be allowed to see it.
NEEDED = ("rbac.manage_incidents", "rbac.view_audit")
STATES = {
    "off": "",
    "waiting": "badge--warn",
    "failing": "badge--bad",
    "on": "badge--good",
}


class StreamForm(StreamFormBase):
    """What people set; where a stream is, it says itself."""

    url = forms.URLField(
        label="Address",
        max_length=500,
        widget=forms.URLInput(attrs={"class": "vTextField", "autocomplete": "off"}),
        assume_scheme="https",
        help_text="Where signed batches are posted. It is kept sealed: afterwards only"
        " the host and the last characters are shown.",
    )
    from_beginning = forms.BooleanField(
        label="From the beginning",
        required=False,
        help_text="Send what is sealed already, too; else only what comes.",
    )

    class Meta:
        model = EventStream
        fields = ("name", "format", "contents", "is_enabled")
        labels = {"is_enabled": "Enabled"}
        help_texts = {
            "contents": "“Opened” adds names and details. What has left is not erased"
            " with a person's key.",
        }

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]
        if not self.instance._state.adding:  # noqa: SLF001 - Django's documented API
            del self.fields["from_beginning"]
            self.fields["url"].required = False
            self.fields[
                "url"
            ].help_text = f"Now {_shown(self.instance)}. Empty: stays as it is."

    def clean_url(self) -> str:
        """Refuse what no batch could ever be posted to."""
        url: str = self.cleaned_data["url"]
        # On the page of a stream, empty means the address that is kept.
        if url and (problem := url_problem(url)):
            raise forms.ValidationError(problem)
        return url


@admin.register(EventStream)
class StreamAdmin(StreamPages):
    """Receivers of events, each with how far it has come."""

    form = StreamForm
    list_display = ("name", "format", "contents", "state", "lag", "last", "last_error")
    readonly_fields = ("state", "lag", "last", "delivered", "last_error")
    fields = (
        "name",
        "url",
        "format",
        "contents",
        "is_enabled",
        "from_beginning",
        *readonly_fields,
    )
    change_form_template = "auditlog/admin_stream.html"
    actions = None

    class Media:
        css = {"all": ["auditlog/admin.css"]}

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """Return what can be set, and below it where a running stream is."""
        if obj is None:
            return [name for name in self.fields if name not in self.readonly_fields]
        return [name for name in self.fields if name != "from_beginning"]

    def has_module_permission(self, request: HttpRequest) -> bool:
        """Whether the visitor may send events elsewhere."""
        return bool(request.user.has_perms(NEEDED))

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Whether the visitor may send events elsewhere."""
        return bool(request.user.has_perms(NEEDED))

    has_add_permission = has_module_permission
    has_change_permission = has_view_permission
    has_delete_permission = has_view_permission

    def save_model(
        self,
        request: HttpRequest,
        obj: EventStream,
        form: StreamForm,
        change: bool,  # noqa: FBT001 - Django's signature
    ) -> None:
        """Keep the settings; the secret of a new stream is shown on the next page."""
        if url := form.cleaned_data["url"]:
            obj.url = url
        from_beginning = form.cleaned_data.get("from_beginning", False)
        secret = streaming.save_stream(obj, from_beginning=from_beginning)
        request.made_secret = secret  # type: ignore[attr-defined]

    def delete_model(self, request: HttpRequest, obj: EventStream) -> None:
        """Delete the stream, with evidence."""
        streaming.delete_stream(obj)

    def delete_queryset(
        self, request: HttpRequest, queryset: QuerySet[EventStream]
    ) -> None:
        """Delete each stream, with evidence."""
        for stream in queryset:
            streaming.delete_stream(stream)

    def response_add(
        self, request: HttpRequest, obj: EventStream, post_url_continue: Any = None
    ) -> HttpResponse:
        """Show the secret, this once."""
        context = {
            **self.admin_site.each_context(request),
            "title": f"The secret of {obj.name}",
            "opts": self.opts,
            "stream": obj,
            "secret": getattr(request, "made_secret", ""),
        }
        return TemplateResponse(request, "auditlog/stream_secret.html", context)

    def response_change(self, request: HttpRequest, obj: EventStream) -> HttpResponse:
        """Send a test message where that was asked for."""
        if "_test" not in request.POST:
            return super().response_change(request, obj)
        if error := streaming.send_test(obj):
            messages.error(request, f"The test was not taken: {error}.")
        else:
            messages.success(request, "The test was taken.")
        return HttpResponseRedirect(request.path)

    @admin.display(description="State")
    def state(self, stream: EventStream) -> SafeString:
        """Return whether it runs."""
        if not stream.is_enabled:
            return cells.badge("off", STATES)
        if stream.tries:
            return cells.badge("failing", STATES)
        return cells.badge("waiting" if _lag(stream).events else "on", STATES)

    @admin.display(description="Waiting")
    def lag(self, stream: EventStream) -> str:
        """Return how many sealed events wait, and for how long."""
        lag = _lag(stream)
        if not lag.events:
            return "nothing"
        return f"{lag.events:,} events, the first for {lag.seconds:,} s"

    @admin.display(description="Last taken (UTC)")
    def last(self, stream: EventStream) -> str:
        """Return when the other side last took a batch."""
        return cells.moment(stream.delivered_at) if stream.delivered_at else "never"


def _shown(stream: EventStream) -> str:
    try:
        return shown_url(stream.url)
    except DecryptionFailed:
        return "not to be opened with this installation's key"


def _lag(stream: EventStream) -> Lag:
    return lag_behind(Mark(stream.seal_number, stream.position))
