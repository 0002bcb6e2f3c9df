"""Reads a text of any length window by window, so that a stream and the whole agree.

A window is looked at only when all its characters are there, or the text has ended.
Where one window ends and the next begins depends on the text alone, never on how it
was cut into chunks: findings of a stream are the findings of the whole by construction.
Every window has a bounded size, so the work is linear in the length of the text; only
one finding longer than a window makes its window grow.
"""

from collections.abc import Callable
from dataclasses import dataclass

from privacy.pii.labels import Span

BLOCK = 240
AHEAD = 160
BEHIND = 160
_EDGE = 2

Find = Callable[[str], list[Span]]


@dataclass(frozen=True, slots=True)
class Settled:
    """A stretch of the text that is decided, with the spans inside it.

    ``offset`` is where it stands in the whole text; spans count from there.
    """

    offset: int
    text: str
    spans: tuple[Span, ...]


class WindowReader:
    """Takes chunks and gives back stretches whose findings can no longer change."""

    def __init__(self, find: Find) -> None:
        """Read with ``find``, which is asked about one window at a time."""
        self._find = find
        self._buffer = ""
        self._base = 0  # position of the buffer's first character in the text
        self._next = 0  # position in the buffer of the first undecided character
        self._goal = BLOCK
        self.characters_read = 0

    def feed(self, chunk: str) -> list[Settled]:
        """Return what this chunk decides; the last characters are held back."""
        self._buffer += chunk
        settled: list[Settled] = []
        while len(self._buffer) - self._next > self._goal + AHEAD:
            piece = self._read_block()
            if piece is not None:
                settled.append(piece)
        return settled

    def finish(self) -> list[Settled]:
        """Return the rest; the reader is then empty."""
        settled = self.feed("")
        start = max(0, self._next - BEHIND)
        spans = self._look(start, len(self._buffer))
        settled.append(self._settle(len(self._buffer), spans))
        return [piece for piece in settled if piece.text]

    def _look(self, start: int, end: int) -> list[Span]:
        self.characters_read += end - start
        return [
            Span(span.start + start, span.end + start, span.label, span.score)
            for span in self._find(self._buffer[start:end])
            if span.end + start > self._next
        ]

    def _read_block(self) -> Settled | None:
        end = self._next + self._goal + AHEAD
        spans = self._look(max(0, self._next - BEHIND), end)
        cut = self._boundary()
        crossing = [span for span in spans if span.start < cut < span.end]
        if crossing:
            first = crossing[0]
            if first.start > self._next:
                cut = first.start
            elif first.end < end - _EDGE:
                cut = first.end
            else:
                self._goal *= 2
                return None
        return self._settle(cut, spans)

    def _boundary(self) -> int:
        """Return where this block ends: after white space if there is any."""
        goal = self._next + self._goal
        for position in range(goal, self._next + self._goal // 2, -1):
            if self._buffer[position - 1].isspace():
                return position
        return goal

    def _settle(self, cut: int, spans: list[Span]) -> Settled:
        inside = tuple(
            Span(
                max(span.start, self._next) - self._next,
                span.end - self._next,
                span.label,
                span.score,
            )
            for span in spans
            if span.end <= cut
        )
        piece = Settled(self._base + self._next, self._buffer[self._next : cut], inside)
        dropped = max(0, cut - BEHIND)
        self._buffer = self._buffer[dropped:]
        self._base += dropped
        self._next = cut - dropped
        self._goal = BLOCK
        return piece
