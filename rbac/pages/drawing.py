"""Where things stand in the picture of roles: boxes in three tiers, and lines.

Sizes are estimates: the server cannot measure text, so texts are cut to fit.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

BOX_WIDTH, GAP, MARGIN = 178, 16, 20
TIER_HEAD, TIER_GAP = 30, 64
ROW_GAPS = {"role": 64}
ROW_GAP = 30
LINE_HEIGHT, BOX_HEAD = 17, 30
PER_ROW = 4
CHARACTERS = 22  # of a box's line
FLOW_CHARACTERS, FLOW_BOLD_CHARACTERS = 41, 37


@dataclass(frozen=True, slots=True)
class Line:
    """One line of text in a box."""

    text: str
    kind: str = ""
    mark: str = ""
    title: str = ""
    y: int = 0


@dataclass(frozen=True, slots=True)
class Badge:
    """A small label in a box."""

    text: str
    title: str
    x: int
    width: int

    @property
    def middle(self) -> float:
        """Return where its text is centred."""
        return self.x + self.width / 2


@dataclass(slots=True)
class Box:
    """A user, role or permission."""

    key: str
    kind: str
    label: str
    title: str
    lines: tuple[Line, ...] = ()
    badges: tuple[Badge, ...] = ()
    is_on_path: bool = False
    x: int = 0
    y: int = 0
    width: int = BOX_WIDTH

    @property
    def height(self) -> int:
        """Return what its lines and badges need."""
        extra = 10 if self.lines else 0
        badges = 22 if self.badges else 0
        return BOX_HEAD + len(self.lines) * LINE_HEIGHT + extra + badges

    @property
    def middle(self) -> float:
        """Return the x of its middle."""
        return self.x + self.width / 2

    @property
    def bottom(self) -> int:
        """Return the y of its lower edge."""
        return self.y + self.height


@dataclass(frozen=True, slots=True)
class Link:
    """A line between two boxes."""

    kind: str
    path: str
    title: str
    label: str = ""
    x: float = 0
    y: float = 0
    # From its upper end to its lower one.
    fall: int = 0

    @property
    def label_width(self) -> int:
        """Return the width of the plate behind the label."""
        return round(len(self.label) * 6.4) + 12

    @property
    def label_x(self) -> float:
        """Return where the plate begins."""
        return self.x - self.label_width / 2


@dataclass(frozen=True, slots=True)
class Tier:
    """A horizontal band of boxes."""

    name: str
    kind: str
    y: int
    height: int
    boxes: tuple[Box, ...]


@dataclass(slots=True)
class Drawing:
    """The three tiers with their links."""

    tiers: list[Tier] = field(default_factory=list)
    links: list[Link] = field(default_factory=list)
    width: int = 0
    height: int = 0


def cut(text: str, length: int = CHARACTERS) -> str:
    """Return the text, shortened to fit."""
    return text if len(text) <= length else text[: length - 1] + "…"


def badges_of(labels: Iterable[str]) -> tuple[Badge, ...]:
    """Return labels side by side; those that do not fit are counted."""
    wanted, found, x = list(labels), list[Badge](), 8
    for place, label in enumerate(wanted):
        text = cut(label, 13)
        width = round(len(text) * 5.6) + 12
        rest = len(wanted) - place
        if x + width > BOX_WIDTH - (8 if rest == 1 else 34):
            others = ", ".join(wanted[place:])
            found.append(Badge(f"+{rest}", others, x, 24))
            break
        found.append(Badge(text, label, x, width))
        x += width + 4
    return tuple(found)


def arrange(tiers: Sequence[tuple[str, str, Sequence[Sequence[Box]]]]) -> Drawing:
    """Return the drawing with every box in its place, without links."""
    widest = max((len(row) for _, _, rows in tiers for row in rows), default=1)
    width = max(widest, 3) * (BOX_WIDTH + GAP) - GAP + 2 * MARGIN
    drawing, y = Drawing(width=width), 0
    for name, kind, rows in tiers:
        top, gap = y, ROW_GAPS.get(kind, ROW_GAP)
        y += TIER_HEAD
        for row in rows:
            _place(row, width, y)
            y += max((box.height for box in row), default=0) + gap
        y += MARGIN - gap if rows else MARGIN
        boxes = tuple(box for row in rows for box in row)
        drawing.tiers.append(Tier(name, kind, top, y - top, boxes))
        y += TIER_GAP
    drawing.height = y - TIER_GAP
    return drawing


def rows_of(boxes: Sequence[Box]) -> list[Sequence[Box]]:
    """Return the boxes in rows that fit."""
    return [boxes[at : at + PER_ROW] for at in range(0, len(boxes), PER_ROW)]


def order_by_place(drawing: Drawing, tier: int, wanted: Mapping[str, float]) -> None:
    """Move the boxes of a one-row tier so that their lines cross less."""
    row = sorted(drawing.tiers[tier].boxes, key=lambda box: wanted.get(box.key, 0))
    for box, x in zip(row, sorted(box.x for box in row), strict=True):
        box.x = x


def _place(row: Sequence[Box], width: int, y: int) -> None:
    taken = len(row) * (BOX_WIDTH + GAP) - GAP
    x = (width - taken) // 2
    for box in row:
        box.x, box.y = x, y
        box.lines = tuple(
            Line(
                line.text,
                line.kind,
                line.mark,
                line.title,
                y + BOX_HEAD + 8 + number * LINE_HEIGHT,
            )
            for number, line in enumerate(box.lines)
        )
        x += BOX_WIDTH + GAP


def labelled(links: Sequence[Link], label: str) -> list[Link]:
    """Return the links with the label on the shortest, where it covers least."""
    if not links:
        return []
    chosen = min(links, key=lambda link: link.fall)
    return [replace(link, label=label) if link is chosen else link for link in links]


def connect(upper: Box, lower: Box, kind: str, *, title: str, label: str = "") -> Link:
    """Return the curve from one box down to another."""
    x1, y1, x2, y2 = upper.middle, upper.bottom, lower.middle, lower.y
    if y2 <= y1:  # in the same row: a bow below both
        y2 = lower.bottom
        low = max(y1, y2) + 40
        path = f"M{x1:g} {y1} C{x1:g} {low} {x2:g} {low} {x2:g} {y2}"
        middle = (x1 + x2) / 2
        return Link(kind, path, title, label=label, x=middle, y=low - 10, fall=40)
    bend = min(60.0, (y2 - y1) / 2)
    path = f"M{x1:g} {y1} C{x1:g} {y1 + bend:g} {x2:g} {y2 - bend:g} {x2:g} {y2}"
    middle, half = (x1 + x2) / 2, (y1 + y2) / 2
    return Link(kind, path, title, label=label, x=middle, y=half, fall=y2 - y1)


def depths(parents: Mapping[str, Iterable[str]]) -> dict[str, int]:
    """Return how many steps of inheritance lie below each role."""
    found: dict[str, int] = {}

    def depth(name: str, above: frozenset[str]) -> int:
        if name not in found:
            below = [
                depth(parent, above | {name}) + 1
                for parent in parents[name]
                if parent in parents and parent not in above
            ]
            found[name] = max(below, default=0)
        return found[name]

    for name in parents:
        depth(name, frozenset())
    return found
