"""Routes of the chat's API, under /api/v1/."""

from django.urls import path

from chat.api import views

urlpatterns = [
    path("conversations", views.ConversationsView.as_view(), name="conversations"),
    path(
        "conversations/search",
        views.ConversationSearchView.as_view(),
        name="conversation-search",
    ),
    path(
        "conversations/<uuid:conversation_id>",
        views.ConversationView.as_view(),
        name="conversation-detail",
    ),
    path(
        "conversations/<uuid:conversation_id>/messages",
        views.MessagesView.as_view(),
        name="conversation-messages",
    ),
    path(
        "conversations/<uuid:conversation_id>/mfa",
        views.StepUpView.as_view(),
        name="conversation-mfa",
    ),
    path("public/messages", views.PublicMessagesView.as_view(), name="public-messages"),
    path("catalogue", views.CatalogueView.as_view(), name="catalogue"),
    path("knowledge", views.KnowledgeView.as_view(), name="knowledge"),
]
