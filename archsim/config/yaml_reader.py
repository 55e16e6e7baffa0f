"""YAML text -> nodes: YAML 1.2's scalars, one meaning per file, bounded in every direction.

``{value: 100 MHz, source: "..."}`` is the value 100 MHz with a source. A mapping's own
``source`` holds for every value below that has none of its own. Both end here: what
reads the nodes sees values only.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import TypeGuard

import yaml

from archsim.config.node import Node, Place, Scalar
from archsim.errors import ConfigError

LARGEST_FILE = 1 << 20
"""Bytes; a configuration is written by hand."""
LARGEST_DOCUMENT = 100_000
"""Values, references and repeated anchors included."""
DEEPEST = 60
"""Levels of nesting."""
LONGEST_NUMBER = 300
"""Characters of a number."""

_TAG = "tag:yaml.org,2002:"


SAFELY_NESTED = 2000
"""Brackets and dashes up to which libyaml, which has no limit of its own, is trusted."""
Resolvers = dict[str, list[tuple[str, re.Pattern[str]]]]


class _Loader(yaml.SafeLoader):
    """PyYAML with YAML 1.2's core schema: 1e-3 is a number, ``no`` and 12:30 are text."""

    yaml_implicit_resolvers: Resolvers = {}  # noqa: RUF012


class _FastLoader(yaml.CSafeLoader if yaml.__with_libyaml__ else yaml.SafeLoader):  # type: ignore[misc]
    """The same in C, some ten times faster, with briefer complaints."""

    yaml_implicit_resolvers: Resolvers = {}  # noqa: RUF012


for _name, _pattern, _first in (
    ("null", r"~|null|Null|NULL|", ["~", "n", "N", ""]),
    ("bool", r"true|True|TRUE|false|False|FALSE", list("tTfF")),
    ("int", r"[-+]?(?:0|[1-9][0-9_]*)|0x[0-9a-fA-F]+", list("-+0123456789")),
    (
        "float",
        r"[-+]?(?:\.[0-9]+|[0-9]+\.[0-9]*)(?:[eE][-+]?[0-9]+)?|[-+]?[0-9]+[eE][-+]?[0-9]+"
        r"|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)",
        list("-+.0123456789"),
    ),
):
    for _each in (_Loader, _FastLoader):
        _each.add_implicit_resolver(_TAG + _name, re.compile(rf"(?:{_pattern})\Z"), _first)


class Budget:
    """How many values the files of one document may still hold together."""

    def __init__(self, values: int = LARGEST_DOCUMENT) -> None:
        self.left = values

    def spend(self, place: Place, path: tuple[str, ...]) -> None:
        """Count one value.

        Raises:
            ConfigError: if that is one too many, or nested too deeply.
        """
        self.left -= 1
        if self.left < 0:
            raise place.fail(path[:4], f"more than {LARGEST_DOCUMENT} values in one document")
        if len(path) > DEEPEST:
            raise place.fail(path[:4], f"nested more than {DEEPEST} levels deep")


def read_text(data: bytes, label: str) -> str:
    """Decode a file's bytes.

    Raises:
        ConfigError: if they are too many, or not UTF-8 text.
    """
    if len(data) > LARGEST_FILE:
        raise ConfigError((), f"larger than {LARGEST_FILE} bytes", where=label)
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        problem = f"not UTF-8 text: byte 0x{data[error.start]:02x}"
        raise ConfigError((), problem, where=f"{label}:{line}") from None


def parse(text: str, place: Place, budget: Budget) -> Node | None:
    """Return what a YAML text says, or None where it says nothing.

    ``place`` is that of the whole text; lines are added to its label where it is a file's.

    Raises:
        ConfigError: for anything but one well-formed document of plain values.
    """
    root, values = _parsed(text, place)
    if values > budget.left:
        _read(text, place, budget)  # says which value is one too many
    budget.left -= values
    return root


@lru_cache(maxsize=128)
def _parsed(text: str, place: Place) -> tuple[Node | None, int]:
    """Return what a text says, and how many values that is; cases of a study share their files."""
    budget = Budget()
    return _read(text, place, budget), LARGEST_DOCUMENT - budget.left


def _read(text: str, place: Place, budget: Budget) -> Node | None:
    with _translated(text, place):
        root = _composed(text)
    if root is None:
        return None
    return _Reader(place, budget).node(root, (), _Written(_line(root), "", ""))


def _composed(text: str) -> yaml.Node | None:
    """Return a text's nodes; what is wrong with it, if anything, is said by PyYAML itself."""
    if sum(map(text.count, ("[", "{", "- ", "? "))) <= SAFELY_NESTED:
        try:
            return yaml.compose(text, Loader=_FastLoader)
        except yaml.YAMLError:
            pass
    return yaml.compose(text, Loader=_Loader)


class _Written:
    """What is known of a value before it is read: its key's line, its inherited source."""

    __slots__ = ("line", "note", "source")

    def __init__(self, line: int, source: str, note: str) -> None:
        self.line, self.source, self.note = line, source, note


class _Reader:
    """Turns PyYAML's nodes into ours."""

    def __init__(self, place: Place, budget: Budget) -> None:
        self._place, self._budget = place, budget

    def place(self, line: int) -> Place:
        """Return the place of a line."""
        whole = self._place
        if whole.file is None:
            return whole
        return Place(f"{whole.label}:{line}", whole.file, whole.folders)

    def node(self, read: yaml.Node, path: tuple[str, ...], written: _Written) -> Node:
        """Return a value of any sort."""
        place = self.place(written.line)
        self._budget.spend(place, path)
        if _is_mapping(read):
            return self._mapping(read, path, written)
        if not read.tag.startswith(_TAG):
            raise place.fail(path, f"the tag {read.tag!r} has no meaning here")
        if isinstance(read, yaml.SequenceNode):
            parts = [
                self.node(part, (*path, str(n)), _Written(_line(part), written.source, ""))
                for n, part in enumerate(read.value)
            ]
            return Node(parts, place, note=written.note)
        return Node(_scalar(read, place, path), place, written.source, written.note)

    def _mapping(self, read: yaml.MappingNode, path: tuple[str, ...], written: _Written) -> Node:
        place = self.place(written.line)
        if read.tag != f"{_TAG}map":
            raise place.fail(path, f"the tag {read.tag!r} has no meaning here")
        entries = self._entries(read, path)
        source = self._words("source", entries, path) or written.source
        note = self._words("note", entries, path)
        if set(entries) == {"value"}:
            line, value = entries["value"]
            return self.node(value, path, _Written(line, source, note))
        parts = {
            key: self.node(value, (*path, key), _Written(line, source, ""))
            for key, (line, value) in entries.items()
        }
        return Node(parts, place, note=note)

    def _entries(
        self, read: yaml.MappingNode, path: tuple[str, ...]
    ) -> dict[str, tuple[int, yaml.Node]]:
        found: dict[str, tuple[int, yaml.Node]] = {}
        for key, value in read.value:
            place = self.place(_line(key))
            if not isinstance(key, yaml.ScalarNode) or not key.value:
                raise place.fail(path, "a key must be text")
            if key.value == "<<":
                raise place.fail(path, "'<<' has no meaning here", "write extends: NAME")
            if key.value in found:
                first = found[key.value][0]
                raise place.fail((*path, key.value), f"written twice, first on line {first}")
            found[key.value] = _line(key), value
        return found

    def _words(
        self, key: str, entries: dict[str, tuple[int, yaml.Node]], path: tuple[str, ...]
    ) -> str:
        """Take a text out of a mapping's entries."""
        if key not in entries:
            return ""
        line, value = entries.pop(key)
        words = _scalar(value, self.place(line), (*path, key)) if _is_scalar(value) else None
        if not isinstance(words, str) or not words.strip():
            raise self.place(line).fail((*path, key), "expected text")
        return words


def _is_mapping(node: yaml.Node) -> TypeGuard[yaml.MappingNode]:
    return isinstance(node, yaml.MappingNode)


def _is_scalar(node: yaml.Node) -> TypeGuard[yaml.ScalarNode]:
    return isinstance(node, yaml.ScalarNode)


def _line(node: yaml.Node) -> int:
    return int(node.start_mark.line) + 1


def _scalar(node: yaml.Node, place: Place, path: tuple[str, ...]) -> Scalar:
    """Return a scalar's value."""
    text = str(node.value)
    match node.tag.removeprefix(_TAG):
        case "str":
            if any("\ud800" <= letter <= "\udfff" for letter in text):
                raise place.fail(path, "half a surrogate pair is not text")
            return text
        case "null":
            return None
        case "bool":
            return text.lower() == "true"
        case "int" | "float" as kind:
            return _number(text, kind, place, path)
    raise place.fail(path, f"the tag {node.tag!r} has no meaning here")


def _number(text: str, kind: str, place: Place, path: tuple[str, ...]) -> int | float:
    if len(text) > LONGEST_NUMBER:
        raise place.fail(path, f"a number of {len(text)} characters is not a quantity")
    try:
        if kind == "int":
            return int(text, 0)
        return float(re.sub(r"\.(?=inf|nan)", "", text.lower()))
    except ValueError:  # an explicit tag on something else
        raise place.fail(path, f"{text!r} is not a number") from None


@contextmanager
def _translated(text: str, place: Place) -> Iterator[None]:
    """Turn PyYAML's complaints into one line each."""
    try:
        yield
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = mark.line + 1 if mark else 1
        parts = [part for part in (error.problem, error.context) if part]
        problem = f"not YAML: {', '.join(parts)}"
        hint = "indent with spaces" if "\\t" in problem else ""
        raise ConfigError((), problem, hint=hint, where=_on_line(place, line)) from None
    except yaml.reader.ReaderError as error:
        line = text[: error.position].count("\n") + 1
        problem = f"not YAML: the character #x{ord(text[error.position]):04x} is not allowed"
        raise ConfigError((), problem, where=_on_line(place, line)) from None
    except RecursionError:
        problem = f"nested more than {DEEPEST} levels deep"
        raise ConfigError((), problem, where=place.label) from None


def _on_line(place: Place, line: int) -> str:
    return place.label if place.file is None else f"{place.label}:{line}"
