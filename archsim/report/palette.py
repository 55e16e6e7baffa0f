"""Colours that colour-blind readers can tell apart, the same for a name in every figure.

Sources: Okabe and Ito, "Color Universal Design" (2008), for phases and series; Tol, "Colour
Schemes" (2021), the muted scheme, for components.
"""

from collections.abc import Collection, Mapping
from zlib import crc32

PHASES: Mapping[str, str] = {
    "forward": "#0072B2",
    "backward": "#D55E00",
    "weight_gradient": "#E69F00",
    "update": "#009E73",
    "inference": "#56B4E9",
}
COMPONENTS = (
    "#332288",
    "#88CCEE",
    "#44AA99",
    "#117733",
    "#999933",
    "#DDCC77",
    "#CC6677",
    "#882255",
    "#AA4499",
)
SERIES = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#222222")
"""Curves and bars that stand side by side, in order."""
DASHES = ("-", "--", "-.", ":")
"""Strokes of curves in order: with a colour each, curves that meet are still told apart."""
LOW_TO_HIGH, AROUND_ZERO = "viridis", "PuOr"
"""Colour maps for values of one sign, and of both."""
PARTS: Mapping[str, str] = {
    "compute": COMPONENTS[0],
    "fill and drain": COMPONENTS[1],
    "shaping": COMPONENTS[6],
    "network": COMPONENTS[3],
    "memory": COMPONENTS[5],
}
"""What time goes to."""
BETTER, WORSE = "#0072B2", "#D55E00"
"""What is better than the baseline, and what is not, also in pages."""
NEUTRAL = "#7A869A"
"""What has no colour of its own."""
REST = "#C8CDD3"
"""Idle time, and small parts added up."""


def part_colors(names: Collection[str]) -> dict[str, str]:
    """Return the colour of each part of time; what is no part is idle time."""
    return {name: PARTS.get(name, REST) for name in names}


def phase_colors(names: Collection[str]) -> dict[str, str]:
    """Return the colour of each phase; what is no phase is idle time or a rest."""
    return {name: PHASES.get(name, REST) for name in names}


def phase_order(phase: str) -> int:
    """Return the place of a phase in legends: in the order in which a step goes through them."""
    known = list(PHASES)
    return known.index(phase) if phase in PHASES else len(known)


def component_colors(names: Collection[str]) -> dict[str, str]:
    """Return the colour of each component, by its name; a unit's buffer is a tint of it.

    Two components whose names ask for the same colour get different ones while there are any.
    """
    colors: dict[str, str] = {}
    owners = sorted({name.partition(".")[0] for name in names})
    for owner in owners:
        wanted = crc32(owner.encode()) % len(COMPONENTS)
        turns = (COMPONENTS[(wanted + step) % len(COMPONENTS)] for step in range(len(COMPONENTS)))
        colors[owner] = next(
            (color for color in turns if color not in colors.values()), COMPONENTS[wanted]
        )
    return {
        name: colors[name] if name in colors else _tint(colors[name.partition(".")[0]])
        for name in names
    }


def mixed(color: str, strength: float) -> str:
    """Mix a colour with white: all white at a strength of 0."""
    parts = (int(color[place : place + 2], 16) for place in (1, 3, 5))
    return "#" + "".join(f"{round(255 + (part - 255) * strength):02X}" for part in parts)


def _tint(color: str) -> str:
    """Mix a colour with as much white."""
    parts = (int(color[place : place + 2], 16) for place in (1, 3, 5))
    return "#" + "".join(f"{(part + 255) // 2:02X}" for part in parts)
