from django.apps import AppConfig
from django.contrib.admin.apps import AdminConfig


class SiteConfig(AppConfig):
    default = True
    name = "chatsec.site"
    label = "chatsec_site"


class ChatsecAdminConfig(AdminConfig):
    default = False
    default_site = "chatsec.site.admin_site.ChatsecAdminSite"
