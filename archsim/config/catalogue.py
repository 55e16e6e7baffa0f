"""What a configuration can name: workloads, components, number formats, other files."""

import inspect
from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any, get_args

from archsim import formats
from archsim.config.build import json_schema
from archsim.config.document import load
from archsim.config.fields import SpecField, fields_of, plain_default
from archsim.config.files import available, label_of
from archsim.config.node import shown
from archsim.errors import ConfigError, RegistryError, did_you_mean
from archsim.formats.number_format import WELL_KNOWN
from archsim.hardware import COMPONENTS
from archsim.ir import WORKLOADS
from archsim.registry import Registry, load_plugins

SORTS = ("workloads", "components", "configs")
"""What can be listed."""
ASKING = ("comparisons", "sweeps")
"""Folders whose files ask a question under a title."""


def listing(sort: str) -> dict[str, str]:
    """Return the names of one sort, each with a line of words."""
    if sort == "configs":
        return {label_of(file): _file_words(folder, file) for folder, file in _configs()}
    load_plugins()
    registry = _registries()[sort]
    return {name: _words(registry[name]).partition("\n")[0] for name in registry}


def describe(name: str) -> str:
    """Return all there is to say about a name, or a file's path.

    Raises:
        RegistryError: if nothing has that name.
        ConfigError: for a configuration that is wrong.
    """
    return "\n\n".join(_descriptions(name))


def describe_json(name: str) -> dict[str, Any]:
    """Return a JSON Schema of a workload's or component's section, or a file's values.

    Raises:
        RegistryError: if nothing has that name.
        ConfigError: for a configuration that is wrong.
    """
    load_plugins()
    for registry in _registries().values():
        if name in registry:
            return json_schema(registry[name], name)
    for file in files_of(name):
        document = load(file)
        return {"file": label_of(file), "values": document.data, "sources": document.sources}
    found = _number_format(name)
    if found is not None:
        return {"name": found.name, "bits": found.bits}
    raise _unknown(name)


def _registries() -> Mapping[str, Registry[Any]]:
    return {"workloads": WORKLOADS, "components": COMPONENTS}


def _configs() -> Iterator[tuple[str, Path]]:
    for folder, files in available().items():
        yield from ((folder, file) for file in files)


def files_of(name: str) -> list[Path]:
    """Return the file at a path, or all configurations of a name."""
    path = Path(name)
    if path.suffix:
        return [path] if path.is_file() else []
    return [file for _, file in _configs() if file.stem == name]


def _file_words(folder: str, file: Path) -> str:
    """Return a file's folder; where it asks a question, its title as well.

    A file that cannot be read is listed all the same: ``archsim check`` says what is wrong.
    """
    if folder not in ASKING:
        return folder
    try:
        title = load(file).get("title")
    except ConfigError:
        return folder
    return f"{folder}: {title.data}" if title else folder


def _number_format(name: str) -> formats.NumberFormat | None:
    try:
        return formats.parse(name)
    except RegistryError:
        return None


def _unknown(name: str) -> RegistryError:
    names = {name for registry in _registries().values() for name in registry}
    names |= {*WELL_KNOWN, *(file.stem for _, file in _configs())}
    return RegistryError(f"nothing is called {name!r}; {did_you_mean(name, names)}")


def _descriptions(name: str) -> list[str]:
    load_plugins()
    found = [
        _spec(name, registry.noun, registry[name])
        for registry in _registries().values()
        if name in registry
    ]
    number_format = _number_format(name)
    if number_format is not None:
        found.append(_format(number_format))
    found += [_document(file) for file in files_of(name)]
    if not found:
        raise _unknown(name)
    return found


def _words(described: object) -> str:
    return inspect.getdoc(described) or ""


def _spec(name: str, noun: str, spec_type: Any) -> str:
    return f"{name}: a {noun}\n{_words(spec_type)}\n\n{_table(list(_field_rows(spec_type)))}"


def _field_rows(spec_type: Any, prefix: str = "") -> Iterator[tuple[str, str, str]]:
    """Yield name, value and words of each field, and of the fields of those that are mappings."""
    for field in sorted(fields_of(spec_type).values(), key=lambda field: not field.required):
        name = f"{prefix}{field.name}"
        yield name, _value_words(field), field.description
        for part in (field.hint, *get_args(field.hint)):
            if isinstance(part, type) and is_dataclass(part):
                yield from _field_rows(part, f"{name}.")


def _value_words(field: SpecField) -> str:
    if field.required:
        return f"{field.type_words}; required"
    return f"{field.type_words}; default {shown(plain_default(field.default, field.hint))}"


def _format(number_format: formats.NumberFormat) -> str:
    lines = [f"{number_format.name}: a number format of {number_format.bits} bits"]
    lines.append(_words(type(number_format)))
    if is_dataclass(number_format):
        described = [field for field in fields(number_format) if field.name not in {"name", "bits"}]
        values = (plain_default(getattr(number_format, field.name), None) for field in described)
        pairs = zip(described, values, strict=True)
        rows = [(field.name, shown(value), "") for field, value in pairs]
        lines += ["", _table(rows)]
    return "\n".join(lines)


def _document(file: Path) -> str:
    document = load(file)
    rows = [
        (".".join(path), shown(node.plain), node.source)
        for path, node in document.root.node.walk()
        if not isinstance(node.value, dict | list) or not node.value or _is_short_list(node.plain)
    ]
    listed = {path for path, _, _ in rows}
    rows = [row for row in rows if row[0].rpartition(".")[0] not in listed]
    return f"{file.stem}: a configuration, {label_of(file)}\n\n{_table(rows)}"


def _is_short_list(value: object) -> bool:
    return isinstance(value, list) and not any(isinstance(part, dict | list) for part in value)


def _table(rows: list[tuple[str, str, str]]) -> str:
    """Return rows as lines, the first two columns as wide as they need."""
    first = max((len(row[0]) for row in rows), default=0)
    lines = []
    for name, value, words in rows:
        lines.append(f"  {name:<{first}}  {value}")
        if words:
            lines.append(f"  {'':<{first}}    {words}")
    return "\n".join(lines)
