"""Routes of roles, assignments, decisions and one's own profile."""

urlpatterns: list[object] = []
