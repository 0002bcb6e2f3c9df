"""Names that the rules of this app speak of."""

PUBLIC_ROLE = "public"
ADMIN_ROLE = "admin"
MANAGE_ROLES = "manage_roles"
EXPLAIN = "explain"
VIEW_MATRIX = "view_matrix"

# What runs the installation. A service account never gets these, whatever its roles.
ADMINISTRATIVE_CODES = frozenset(
    {
        "view_audit",
        "manage_incidents",
        "manage_detection",
        EXPLAIN,
        VIEW_MATRIX,
        MANAGE_ROLES,
        "manage_users",
        "manage_catalogue",
        "manage_privacy",
        "read_transcript",
    }
)
# RFC 8176 methods that make a sign-in one with a second factor.
SECOND_FACTORS = frozenset({"otp", "mfa", "hwk", "swk"})
