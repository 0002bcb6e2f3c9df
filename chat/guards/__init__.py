"""Prompt-injection guard: one layer among several, never the only defence.

No score changes what a caller may see; authorization decides that on its own.
"""

from chat.guards.engine import DEFAULT_THRESHOLD, is_attack, score_injection
from chat.guards.signs import Sign, find_signs

__all__ = ["DEFAULT_THRESHOLD", "Sign", "find_signs", "is_attack", "score_injection"]
