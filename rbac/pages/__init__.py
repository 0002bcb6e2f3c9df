"""Pages of the admin site that are no model's."""
