"""Frozen values out of configuration sections.

Pydantic validates, strictly, with models made from the dataclasses' own fields; the
range checks stay where they are, in the dataclasses.
"""

from collections.abc import Mapping
from dataclasses import is_dataclass
from enum import Enum
from functools import cache, partial
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, Literal, TypeVar, Union, get_args, get_origin

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    PlainValidator,
    Strict,
    Tag,
    TypeAdapter,
    ValidationError,
    WithJsonSchema,
    create_model,
)
from pydantic_core import PydanticCustomError

from archsim.config.fields import (
    SpecField,
    SpecType,
    fields_of,
    plain_default,
    registry_of,
    unit_of,
    words,
)
from archsim.config.files import find_data
from archsim.config.node import RESERVED, Section, shown
from archsim.config.problems import KIND_TAG, translated
from archsim.errors import ArchsimError, did_you_mean
from archsim.formats import NumberFormat, parse
from archsim.hardware import COMPONENTS, ComponentSpec
from archsim.registry import Registry
from archsim.units import Unit

S = TypeVar("S", bound=SpecType)

LARGEST_WHOLE = 2**53 - 1
"""Whole numbers beyond this are not exact as floats, and no size of hardware."""

REGISTRIES: Mapping[Any, Registry[Any]] = {ComponentSpec: COMPONENTS}
"""Base classes whose fields hold one of several registered kinds."""


def build(spec_type: type[S], section: Section) -> S:
    """Return the instance of a frozen dataclass that a section describes.

    Raises:
        ConfigError: naming the value, its place and what is expected.
    """
    return _validated(spec_type, section)


def build_registered(registry: Registry[type[S]], section: Section) -> S:
    """Return an instance of the registered class that the section's ``kind`` names.

    Raises:
        ConfigError: naming the value, its place and what is expected.
    """
    if not isinstance(section.data, dict):
        raise section.fail(f"expected a mapping, got {shown(section.data)}")
    kind = section.get("kind")
    if kind is None:
        where = (*section.path, "kind")
        raise section.node.place.fail(where, f"missing; expected one of {', '.join(registry)}")
    name = kind.data
    if not isinstance(name, str) or name not in registry:
        hint = did_you_mean(str(name), registry)
        raise kind.fail(f"no {registry.noun} named {shown(name)}", hint)
    spec_type = registry[name]
    inner = section if "kind" in fields_of(spec_type) else section.without("kind")
    return _validated(spec_type, inner)


def json_schema(spec_type: type[SpecType], kind: str = "") -> dict[str, Any]:
    """Return a JSON Schema for editors: of the fields, with units as texts.

    ``extends``, ``source``, ``note`` and ``{value: ..., source: ...}`` are allowed wherever
    files allow them.
    """
    schema = _editable(_adapter(spec_type, kind).json_schema(by_alias=True))
    schema["$defs"] = {**schema.get("$defs", {}), "sourced": SOURCED}
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}


def _validated(spec_type: type[S], section: Section) -> S:
    data = section.data
    if isinstance(data, dict):
        data |= _files(spec_type, section)
    try:
        made = _adapter(spec_type).validate_python(data)
    except ValidationError as error:
        raise translated(error, section) from None
    assert isinstance(made, spec_type)
    return made


def _files(spec_type: type[SpecType], section: Section) -> dict[str, Path]:
    """Return the files of data that fields name, by field."""
    found = {}
    for name, field in fields_of(spec_type).items():
        value = section.get(name) if Path in (field.hint, *get_args(field.hint)) else None
        if value is not None and isinstance(value.data, str):
            found[name] = find_data(value.data, value.path, value.node.place)
    return found


@cache
def _adapter(spec_type: type[SpecType], kind: str = "") -> TypeAdapter[Any]:
    return TypeAdapter(_section_type(spec_type, kind))


@cache
def _section_type(spec_type: type[SpecType], kind: str = "") -> Any:
    """Return the type that validates a mapping and constructs ``spec_type`` from it."""
    fields = fields_of(spec_type)
    model = _model(spec_type, kind)
    known = {name: words(field.hint) for name, field in fields.items()}
    needed = [name for name, field in fields.items() if field.required]
    if kind:
        known.setdefault("kind", f"{kind!r}")
    return Annotated[
        model,
        BeforeValidator(partial(_check_keys, known, needed)),
        AfterValidator(partial(_construct, spec_type)),
    ]


def _model(spec_type: type[SpecType], kind: str) -> type[BaseModel]:
    """Return a pydantic model with the dataclass's fields.

    Fields are called ``field_...`` inside and by their own names outside, so that none
    clashes with pydantic's methods.
    """
    entries: dict[str, Any] = {}
    for name, field in fields_of(spec_type).items():
        entries[f"field_{name}"] = (
            _converted(field.hint),
            Field(
                default=... if field.required else None,
                alias=name,
                json_schema_extra=partial(_document, field),
            ),
        )
    if kind:
        entries["field_kind"] = (Literal[kind], Field(default=..., alias="kind"))
    return create_model(
        spec_type.__name__,
        __config__=ConfigDict(strict=True, extra="forbid", allow_inf_nan=False),
        __doc__=spec_type.__doc__,
        **entries,
    )


def _document(field: SpecField, schema: dict[str, Any]) -> None:
    """Say in a field's schema what it is for, and what it is where it is not given."""
    if field.description:
        schema["description"] = field.description
    if not field.required:
        schema["default"] = plain_default(field.default, field.hint)


def _check_keys(known: Mapping[str, str], needed: list[str], value: Any) -> Any:
    """Refuse unknown and missing keys, before anything else is looked at."""
    if not isinstance(value, dict):
        return value
    for key in value:
        if key not in known:
            raise PydanticCustomError(
                "unknown_key", "unknown key", {"key": key, "known": sorted(known)}
            )
    missing = [key for key in needed if key not in value]
    if missing:
        context = {"key": missing[0], "expected": known[missing[0]], "more": missing[1:]}
        raise PydanticCustomError("missing_key", "missing", context)
    return value


def _construct(spec_type: type[S], model: BaseModel) -> S:
    """Return the dataclass; its own checks raise ValueError, which pydantic collects."""
    fields = fields_of(spec_type)
    given = {name.removeprefix("field_") for name in model.model_fields_set}
    values = {name: getattr(model, f"field_{name}") for name in given if name in fields}
    return spec_type(**values)


def _converted(hint: Any) -> Any:
    """Return the pydantic type for a field's annotation."""
    origin, arguments = get_origin(hint), get_args(hint)
    registry = registry_of(hint)
    if registry is None and isinstance(hint, type):
        registry = REGISTRIES.get(hint)
    if registry is not None:
        return _one_of(registry)
    if origin is Annotated:
        base, *extras = arguments
        unit = unit_of(hint)
        others = [extra for extra in extras if not isinstance(extra, Unit)]
        return _quantity(base, unit, others) if unit else Annotated[(_converted(base), *others)]
    if hint is int:
        return Annotated[int, Field(ge=-LARGEST_WHOLE, le=LARGEST_WHOLE)]
    if hint is NumberFormat:
        schema = WithJsonSchema({"type": "string", "examples": ["fp32", "bf16", "int8"]})
        return Annotated[NumberFormat, PlainValidator(_number_format), schema]
    if hint is Path:
        return Annotated[Path, BeforeValidator(_path)]
    if isinstance(hint, type) and is_dataclass(hint):
        return _section_type(hint)
    if origin in {Union, UnionType}:
        return Union[tuple(_converted(argument) for argument in arguments)]  # noqa: UP007
    if isinstance(hint, type) and issubclass(hint, Enum):
        return Annotated[hint, Strict(strict=False)]  # a file has the member's value
    if arguments and origin is not Literal:
        return _container(origin, tuple(a if a is ... else _converted(a) for a in arguments))
    return hint


def _container(origin: Any, arguments: tuple[Any, ...]) -> Any:
    """Return a container of converted parts; a file has lists, whatever becomes of them."""
    if issubclass(origin, Mapping):
        return dict.__class_getitem__(arguments)
    return Annotated[origin[arguments], Strict(strict=False)]


def _quantity(base: type, unit: Unit, others: list[Any]) -> Any:
    """Return the type of a number with a unit, written as text."""
    schema = WithJsonSchema(
        {
            "type": "string",
            "pattern": rf"^\s*[-+]?\d.*({'|'.join(unit.scale)})\s*$",
            "description": f"a number and one of {', '.join(unit.scale)}",
        }
    )
    bounds = [Field(ge=-LARGEST_WHOLE, le=LARGEST_WHOLE)] if base is int else []
    return Annotated[(base, *bounds, *others, BeforeValidator(partial(_measured, unit)), schema)]


def _measured(unit: Unit, value: Any) -> int | float:
    if isinstance(value, str):
        return unit.parse(value)
    bare = isinstance(value, int | float) and not isinstance(value, bool)
    spellings = ", ".join(unit.scale)
    raise ValueError(
        f"expected a number and one of {spellings}, got {shown(value)}"
        + (" without a unit" if bare else "")
    )


def _path(value: Any) -> Path:
    """Return the file that was found where the configuration named one."""
    if not isinstance(value, Path):
        raise ValueError(f"expected {words(Path)}, got {shown(value)}")  # noqa: TRY004
    return value


def _number_format(value: Any) -> NumberFormat:
    if not isinstance(value, str):
        raise ValueError(f"expected a number format's name, got {shown(value)}")  # noqa: TRY004
    try:
        return parse(value)
    except ArchsimError as error:
        raise ValueError(str(error)) from None


def _one_of(registry: Registry[Any]) -> Any:
    """Return the type of a mapping whose ``kind`` picks a registered class."""
    choices = tuple(
        Annotated[_section_type(registry[name], name), Tag(f"{KIND_TAG}{name}")]
        for name in registry
    )
    return Annotated[
        Union[choices],  # noqa: UP007
        Discriminator(_kind_tag),
        BeforeValidator(partial(_check_kind, registry)),
    ]


def _kind_tag(value: Any) -> str:
    return f"{KIND_TAG}{value['kind']}"


def _check_kind(registry: Registry[Any], value: Any) -> Any:
    if not isinstance(value, dict):
        raise ValueError(f"expected a mapping, got {shown(value)}")  # noqa: TRY004
    if "kind" not in value:
        context = {"key": "kind", "expected": f"one of {', '.join(registry)}", "more": []}
        raise PydanticCustomError("missing_key", "missing", context)
    name = value["kind"]
    if not isinstance(name, str) or name not in registry:
        hint = did_you_mean(str(name), registry)
        problem = f"kind: no {registry.noun} named {shown(name)}; {hint}"
        raise ValueError(problem)
    return value


SOURCED = {
    "type": "object",
    "description": "A value with where it comes from.",
    "properties": {"value": {}, "source": {"type": "string"}, "note": {"type": "string"}},
    "required": ["value"],
    "additionalProperties": False,
}


def _editable(schema: Any) -> Any:
    """Allow in a schema what files may write around values."""
    if isinstance(schema, list):
        return [_editable(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    made = {key: _editable(part) for key, part in schema.items() if key != "title"}
    if made.get("additionalProperties") is not False:
        return made
    parts = {
        key: part if "const" in part else {"anyOf": [part, {"$ref": "#/$defs/sourced"}]}
        for key, part in made.get("properties", {}).items()
    }
    made["properties"] = {**parts, **{key: {"type": "string"} for key in RESERVED}}
    if "required" in made:
        # What a mapping extends may hold the rest.
        made["anyOf"] = [{"required": ["extends"]}, {"required": made.pop("required")}]
    return made
