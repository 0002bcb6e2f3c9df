"""The format of an export: encrypted frames, a zip, and pages that people can read."""
