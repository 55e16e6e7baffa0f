"""What a file says, value by value, each with the place where it stands and its source."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from enum import Enum
from pathlib import Path
from typing import Any

import numpy as np

from archsim.errors import ConfigError, did_you_mean
from archsim.formats import NumberFormat

Scalar = None | bool | int | float | str
"""A value without parts."""

RESERVED = ("extends", "source", "note")
"""Keys that any mapping may carry beside its own."""

SET_BY_USER = "set by the user"


@dataclass(frozen=True, slots=True)
class Place:
    """Where something was written: a line of a file, or an option of the command line."""

    label: str
    """What messages show, e.g. ``"configs/x.yaml:12"``."""
    file: Path | None = None
    """The file, where there is one."""
    folders: tuple[Path, ...] = ()
    """Where relative paths written here start; the first that leads somewhere wins."""
    target: tuple[str, ...] = ()
    """The path that an override names."""

    def fail(self, path: tuple[str, ...], problem: str, hint: str = "") -> ConfigError:
        """Return an error about the value at ``path`` that was written here."""
        if self.target and self.target == path:
            # The label already spells the path: it is not said twice.
            error = ConfigError((), problem, hint=hint, where=self.label)
            error.path = path
            return error
        return ConfigError(path, problem, hint=hint, where=self.label)


@dataclass(frozen=True, slots=True)
class Node:
    """A value, its place, and for a value without parts its source."""

    value: "Scalar | dict[str, Node] | list[Node]"
    place: Place
    source: str = ""
    note: str = ""

    @property
    def plain(self) -> Any:
        """The value as dicts, lists and scalars."""
        if isinstance(self.value, dict):
            return {key: child.plain for key, child in self.value.items()}
        if isinstance(self.value, list):
            return [child.plain for child in self.value]
        return self.value

    def children(self) -> Iterator[tuple[str, "Node"]]:
        """Yield the parts by key, or by position in a list."""
        if isinstance(self.value, dict):
            yield from self.value.items()
        elif isinstance(self.value, list):
            yield from ((str(number), child) for number, child in enumerate(self.value))

    def child(self, key: str) -> "Node | None":
        """Return the part under a key or at a position, if there is one."""
        return dict(self.children()).get(key)

    def at(self, path: tuple[str, ...]) -> "Node":
        """Return the part at ``path``, or the nearest part on the way that exists."""
        reached = self
        for key in path:
            below = reached.child(key)
            if below is None:
                break
            reached = below
        return reached

    def walk(self, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], "Node"]]:
        """Yield this node and all below, each with its path."""
        yield path, self
        for key, child in self.children():
            yield from child.walk((*path, key))


def shown(value: object) -> str:
    """Return a value as a message shows it: short, on one line."""
    if isinstance(value, dict):
        return "a mapping"
    if isinstance(value, list):
        text = f"[{', '.join(shown(part) for part in value[:8])}{', ...' * (len(value) > 8)}]"
    elif isinstance(value, bool) or value is None:
        text = {True: "true", False: "false", None: "nothing"}[value]
    elif isinstance(value, int) and abs(value) > 10**24:
        return f"a number of about 10**{int(math.log10(abs(value)))}"
    else:
        text = repr(value)
    return text if len(text) <= 80 else f"{text[:77]}..."


def node_of(value: object, place: Place, path: tuple[str, ...] = (), source: str = "") -> Node:
    """Return the node for a Python value that a caller handed in.

    Raises:
        ConfigError: for a value that no file could say.
    """
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, Enum):
        value = value.value
    if isinstance(value, NumberFormat):
        value = value.name
    if isinstance(value, Mapping):
        for key in value:
            if not isinstance(key, str):
                raise place.fail(path, f"a key must be text, got {shown(key)}")
        parts = {key: node_of(v, place, (*path, key), source) for key, v in value.items()}
        return Node(parts, place)
    if isinstance(value, list | tuple):
        items = [node_of(v, place, (*path, str(n)), source) for n, v in enumerate(value)]
        return Node(items, place)
    if value is None or isinstance(value, bool | int | float | str):
        return Node(value, place, source=source)
    raise place.fail(path, f"a configuration cannot hold a {type(value).__name__}")


@dataclass(frozen=True, slots=True)
class Section:
    """A part of a document: the values below ``path``."""

    node: Node
    path: tuple[str, ...] = ()

    @classmethod
    def of(cls, values: Mapping[str, object], name: str = "") -> "Section":
        """Return plain Python values as a section; ``name`` is what messages call it."""
        return cls(node_of(values, Place(name)))

    @property
    def data(self) -> Any:
        """The values as dicts, lists and scalars."""
        return self.node.plain

    @property
    def keys(self) -> tuple[str, ...]:
        """The keys of a mapping, in the file's order."""
        return tuple(self.node.value) if isinstance(self.node.value, dict) else ()

    def __contains__(self, key: str) -> bool:
        return key in self.keys

    def get(self, key: str) -> "Section | None":
        """Return the part under ``key``, if there is one."""
        child = self.node.child(key)
        return None if child is None else Section(child, (*self.path, key))

    def __getitem__(self, key: str) -> "Section":
        """Return the part under ``key``.

        Raises:
            ConfigError: if there is none.
        """
        found = self.get(key)
        if found is None:
            hint = did_you_mean(key, self.keys) if self.keys else ""
            raise self.node.place.fail((*self.path, key), "missing", hint)
        return found

    def allow_only(self, known: tuple[str, ...]) -> None:
        """Refuse keys that are not known.

        Raises:
            ConfigError: for the first unknown one, or if this is not a mapping.
        """
        if not isinstance(self.node.value, dict):
            raise self.fail(f"expected a mapping, got {shown(self.data)}")
        for key, child in self.node.value.items():
            if key not in known:
                path = (*self.path, key)
                raise child.place.fail(path, "unknown key", did_you_mean(key, known))

    def text(self, key: str, default: str = "") -> str:
        """Return the text under ``key``, or the default where there is none.

        Raises:
            ConfigError: for a value of another sort.
        """
        section = self.get(key)
        if section is None:
            return default
        if not isinstance(section.data, str):
            raise section.fail(f"expected a text, got {shown(section.data)}")
        return section.data

    def texts(self, key: str) -> tuple[str, ...]:
        """Return the list of texts under ``key``; an empty one where there is none.

        Raises:
            ConfigError: for a value of another sort.
        """
        section = self.get(key)
        found = [] if section is None else section.data
        if not isinstance(found, list) or not all(isinstance(text, str) for text in found):
            raise self[key].fail(f"expected a list of texts, got {shown(found)}")
        return tuple(found)

    def fail(self, problem: str, hint: str = "") -> ConfigError:
        """Return an error about this part."""
        return self.node.place.fail(self.path, problem, hint)

    def without(self, key: str) -> "Section":
        """Return this mapping less one key."""
        parts = dict(self.node.children())
        parts.pop(key, None)
        return Section(replace(self.node, value=parts), self.path)
