"""Governed SQL: what a query may say, what of each relation an actor gets, running it.

A catalogue query names datasets only. It is parsed, held against an allow list, and
every dataset in it is replaced by the columns and rows that the actor may see, so
that a mistake in a query can never show more than its reader is allowed.
"""
