"""The chat's pages."""

from django.urls import path

from chat import views

urlpatterns = [
    path("", views.chat_page, name="chat"),
    path("chat/<uuid:conversation_id>", views.conversation_page, name="conversation"),
    path("chat/<uuid:conversation_id>/code", views.code_page, name="conversation-code"),
    path(
        "chat/<uuid:conversation_id>/share",
        views.share_page,
        name="conversation-share",
    ),
    path(
        "chat/<uuid:conversation_id>/delete",
        views.delete_page,
        name="conversation-delete",
    ),
    path("faq", views.faq_page, name="faq"),
]
