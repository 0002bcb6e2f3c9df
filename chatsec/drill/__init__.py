"""Drills: labelled activity, ordinary and hostile, to try the detection rules on.

A scenario (who does what, when, and which of it is an attack) is made from a seed. It
is played through the API as real people would, or written in bulk as the rows that the
API was seen to write. What the rules then find is compared with the labels.

Nothing here knows the rules, and nothing that knows the rules imports this package.
"""
