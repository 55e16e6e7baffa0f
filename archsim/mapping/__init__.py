"""How one operation is cut and placed: tilings, legality, the mapper, tile streams."""

from archsim.mapping.mapper import Mapper, Plan, Tilings
from archsim.mapping.mapping import Mapping
from archsim.mapping.search import Alone
from archsim.mapping.stream import Repeat, Stage, StageKind, TileClass, TileStream
from archsim.mapping.tile_class import whole_tile
from archsim.mapping.work import Operand, Work

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
