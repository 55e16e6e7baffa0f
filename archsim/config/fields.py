"""A dataclass's fields as a reader of configurations sees them: type, unit, default, words."""

import ast
import dataclasses
import inspect
import textwrap
from collections.abc import Mapping
from enum import Enum
from functools import cache
from itertools import pairwise
from pathlib import Path
from types import MappingProxyType, NoneType, UnionType
from typing import Annotated, Any, ClassVar, Literal, Protocol, Union, get_args, get_origin
from typing import get_type_hints as resolved_hints

from archsim.formats import NumberFormat
from archsim.registry import Registry
from archsim.units import Unit


class SpecType(Protocol):
    """A dataclass."""

    __dataclass_fields__: ClassVar[dict[str, dataclasses.Field[Any]]]


@dataclasses.dataclass(frozen=True, slots=True)
class SpecField:
    """One field that a configuration may set."""

    name: str
    hint: Any
    """Its annotation."""
    required: bool
    default: Any
    """Its default, None where it is required."""
    owner: type[SpecType]

    @property
    def description(self) -> str:
        """What the source says under it; read when asked for, since few readers of files do."""
        return _descriptions(self.owner).get(self.name, "")

    @property
    def unit(self) -> str:
        """The base unit's symbol, where the field has a unit."""
        unit = unit_of(self.hint)
        return unit.symbol if unit else ""

    @property
    def type_words(self) -> str:
        """What a value must be, in words."""
        return words(self.hint)


@cache
def fields_of(spec_type: type[SpecType]) -> Mapping[str, SpecField]:
    """Return the fields that the constructor takes, by name."""
    hints = resolved_hints(spec_type, include_extras=True)
    found: dict[str, SpecField] = {}
    for field in dataclasses.fields(spec_type):
        if not field.init:
            continue
        required, default = True, None
        if field.default is not dataclasses.MISSING:
            required, default = False, field.default
        elif field.default_factory is not dataclasses.MISSING:
            required, default = False, field.default_factory()
        found[field.name] = SpecField(field.name, hints[field.name], required, default, spec_type)
    return MappingProxyType(found)


def unit_of(hint: Any) -> Unit | None:
    """Return the unit that an annotation carries."""
    extras = hint.__metadata__ if get_origin(hint) is Annotated else ()
    return next((extra for extra in extras if isinstance(extra, Unit)), None)


def registry_of(hint: Any) -> Registry[Any] | None:
    """Return the registry that an annotation carries."""
    extras = hint.__metadata__ if get_origin(hint) is Annotated else ()
    return next((extra for extra in extras if isinstance(extra, Registry)), None)


def plain_default(value: Any, hint: Any) -> Any:
    """Return a default as a configuration would write it."""
    unit = unit_of(hint)
    if unit is not None and isinstance(value, int | float):
        return _measured(value, unit)
    if isinstance(value, NumberFormat):
        return value.name
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, tuple | list | frozenset):
        return [plain_default(part, None) for part in value]
    if isinstance(value, Mapping):
        return {str(key): plain_default(part, None) for key, part in value.items()}
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        hints = resolved_hints(type(value), include_extras=True)
        return {
            field.name: plain_default(getattr(value, field.name), hints[field.name])
            for field in dataclasses.fields(value)
        }
    return value


def _measured(value: float, unit: Unit) -> str:
    """Write a quantity with the largest spelling that leaves a whole number."""
    fitting = {
        spelling: scale
        for spelling, scale in unit.scale.items()
        if scale >= 1000 and value and value % scale == 0
    }
    if not fitting:
        return f"{value} {unit.symbol}"
    spelling = max(fitting, key=fitting.__getitem__)
    return f"{int(value / fitting[spelling])} {spelling}"


_WORDS: dict[Any, str] = {
    int: "a whole number",
    float: "a number",
    str: "text",
    bool: "true or false",
    NoneType: "null",
    NumberFormat: "a number format's name",
    Path: "the path of a file",
    Any: "anything",
}


def words(hint: Any) -> str:
    """Say what a value of a type looks like in a configuration."""
    unit = unit_of(hint)
    if unit is not None:
        return f"a number and one of {', '.join(unit.scale)}"
    origin, arguments = get_origin(hint), get_args(hint)
    if origin is Annotated:
        return words(arguments[0])
    if hint in _WORDS:
        return _WORDS[hint]
    if origin is Literal:
        return _listed([repr(value) for value in arguments])
    if origin in {Union, UnionType}:
        return _listed([words(argument) for argument in arguments])
    if origin is tuple and arguments[-1:] != (Ellipsis,):
        if len({str(argument) for argument in arguments}) == 1:
            return f"a list of {len(arguments)} {_plural(arguments[0])}"
        return f"a list of {', '.join(words(argument) for argument in arguments)}"
    if origin in {tuple, list, frozenset}:
        return f"a list of {_plural(arguments[0])}"
    if isinstance(hint, type) and issubclass(hint, Enum):
        return _listed([repr(member.value) for member in hint])
    return "a mapping"


def _plural(hint: Any) -> str:
    one = words(hint)
    if one.startswith("a list of "):
        return f"lists of {one.removeprefix('a list of ')}"
    if hint in {int, float} or one == "a mapping":
        return f"{one.removeprefix('a ')}s"
    return f"values, each {one}"


def _listed(choices: list[str]) -> str:
    return " or ".join(part for part in (", ".join(choices[:-1]), choices[-1]) if part)


@cache
def _descriptions(spec_type: type[SpecType]) -> dict[str, str]:
    """Return the strings that stand under fields in the source, bases' included."""
    found: dict[str, str] = {}
    for base in reversed(spec_type.__mro__):
        if dataclasses.is_dataclass(base):
            found.update(_own_descriptions(base))
    return found


def _own_descriptions(spec_type: type) -> dict[str, str]:
    try:
        source = textwrap.dedent(inspect.getsource(spec_type))
    except (OSError, TypeError):  # made without a source file
        return {}
    body = next(node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.ClassDef)).body
    return {
        field.target.id: " ".join(text.value.value.split())
        for field, text in pairwise(body)
        if isinstance(field, ast.AnnAssign)
        and isinstance(field.target, ast.Name)
        and isinstance(text, ast.Expr)
        and isinstance(text.value, ast.Constant)
        and isinstance(text.value.value, str)
    }
