"""Pages of the audit log in the admin site that are no model's."""
