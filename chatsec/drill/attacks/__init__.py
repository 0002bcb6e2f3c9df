"""Attacks, each of a kind, with a strength, mimicry and evasion.

`tuning` may be read by whoever writes detection rules. **`held_out` may not**: those
kinds exist to judge the rules on attacks that nobody had in mind. Whoever has opened
it can no longer be the author of a rule that is judged by it.
"""
