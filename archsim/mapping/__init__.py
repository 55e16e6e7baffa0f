"""How one operation is cut and placed: tilings, legality, the mapper, tile streams."""

from archsim.mapping.mapper import Alone, Mapper, Plan, Tilings
from archsim.mapping.mapping import Mapping, Operand, Work, whole_tile
from archsim.mapping.stream import Repeat, Stage, StageKind, TileClass, TileStream

__all__ = [
    "Alone",
    "Mapper",
    "Mapping",
    "Operand",
    "Plan",
    "Repeat",
    "Stage",
    "StageKind",
    "TileClass",
    "TileStream",
    "Tilings",
    "Work",
    "whole_tile",
]
