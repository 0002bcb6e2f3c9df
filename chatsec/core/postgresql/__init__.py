"""The database engine: PostgreSQL, with rows that wait for the commit.

`ENGINE = "chatsec.core.postgresql"` is what settings name; Django looks into `base`.
"""
