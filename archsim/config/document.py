"""A document: a file with its overrides applied and all it extends merged in."""

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from archsim.config.files import find, label_of, read_file
from archsim.config.node import SET_BY_USER, Node, Place, Section, node_of, shown
from archsim.config.yaml_reader import Budget, parse

SECTIONS = frozenset({"architecture", "workload", "energy"})
"""Top-level keys under which a plain text names a file to extend."""


@dataclass(frozen=True)
class Document:
    """The values of one file and of all it refers to."""

    file: Path
    root: Section

    def __getitem__(self, key: str) -> Section:
        """Return a section.

        Raises:
            ConfigError: if the document has none of that name.
        """
        return self.root[key]

    def get(self, key: str) -> Section | None:
        """Return a section, if the document has it."""
        return self.root.get(key)

    def __contains__(self, key: str) -> bool:
        return key in self.root

    @property
    def data(self) -> Any:
        """The values as dicts, lists and scalars."""
        return self.root.data

    @cached_property
    def sources(self) -> dict[str, str]:
        """Where each value that says so comes from, by dotted path."""
        walked = self.root.node.walk()
        return {_dotted(path): node.source for path, node in walked if node.source}

    @cached_property
    def notes(self) -> dict[str, str]:
        """What files say about values, by dotted path."""
        return {_dotted(path): node.note for path, node in self.root.node.walk() if node.note}


def load(file: str | Path, overrides: Mapping[str, object] | None = None) -> Document:
    """Read a file, apply overrides, merge in everything it extends.

    ``overrides`` are values by dotted path, e.g. ``{"workload.tt_rank": 8}``; a key that
    contains a dot is written in double quotes. An override may replace a reference
    (``architecture``) or reach into what it names (``architecture.clock``).

    Raises:
        ConfigError: for a file that cannot be read, is malformed, or extends itself.
    """
    start = Path(file)
    budget = Budget()
    root = read_file(start, budget)
    for option, value in sorted((overrides or {}).items(), key=lambda item: item[0].count(".")):
        root = _overridden(root, option, value)
    resolver = _Resolver(budget)
    return Document(start, Section(resolver.resolve(root, (), (start.resolve(),))))


def config_hash(document: Document) -> str:
    """Return 12 hexadecimal digits that stand for all values, not for how they are written."""
    text = json.dumps(document.data, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def parse_override(text: str) -> tuple[str, Any]:
    """Split ``"key.path=value"``; the value is read as YAML.

    Raises:
        ConfigError: if there is no ``=``, no key, or the value is not YAML.
    """
    key, equals, value = text.partition("=")
    place = Place(f"--set {text}" if not equals else f"--set {key.strip()}")
    if not equals:
        raise place.fail((), "expected KEY=VALUE", "e.g. --set workload.tt_rank=8")
    _segments(key.strip(), place)
    node = parse(value, place, Budget())
    return key.strip(), None if node is None else node.plain


def _dotted(path: tuple[str, ...]) -> str:
    return ".".join(path)


def _segments(option: str, place: Place) -> tuple[str, ...]:
    """Split a dotted path, in which a key may be quoted."""
    if not re.fullmatch(r'(?:"[^"]+"|[^".\s]+)(?:\.(?:"[^"]+"|[^".\s]+))*', option):
        raise place.fail((), "expected a dotted path", "e.g. workload.tt_rank")
    return tuple(part.strip('"') for part in re.findall(r'"[^"]+"|[^".]+', option))


def _overridden(root: Node, option: str, value: object) -> Node:
    """Return the document with one value replaced or added."""
    path = _segments(option, Place(f"--set {option}"))
    place = Place(f"--set {option}", None, (Path.cwd(), *root.place.folders), path)
    return _put(root, path, node_of(value, place, path, SET_BY_USER), ())


def _put(node: Node, rest: tuple[str, ...], leaf: Node, done: tuple[str, ...]) -> Node:
    if not rest:
        return leaf
    if _is_reference(node, done):
        node = Node({"extends": node}, leaf.place)
    if node.value is None:
        node = Node({}, leaf.place)
    if not isinstance(node.value, dict):
        problem = f"{_dotted(done)} is {shown(node.plain)}, nothing lies below it"
        raise leaf.place.fail((*done, *rest), problem, f"set {_dotted(done)} as a whole")
    old = node.value.get(rest[0], Node({}, leaf.place))
    new = _put(old, rest[1:], leaf, (*done, rest[0]))
    return replace(node, value={**node.value, rest[0]: new})


def _is_reference(node: Node, path: tuple[str, ...]) -> bool:
    return isinstance(node.value, str) and len(path) == 1 and path[0] in SECTIONS


class _Resolver:
    """Replaces references by what they name."""

    def __init__(self, budget: Budget) -> None:
        self._budget = budget
        self._read: dict[Path, Node] = {}

    def resolve(self, node: Node, path: tuple[str, ...], chain: tuple[Path, ...]) -> Node:
        """Return the node with nothing left to look up; ``chain`` are the files on the way."""
        if _is_reference(node, path):
            return self._named(node, path, chain)
        if isinstance(node.value, list):
            return replace(
                node,
                value=[
                    self.resolve(part, (*path, str(number)), chain)
                    for number, part in enumerate(node.value)
                ],
            )
        if not isinstance(node.value, dict):
            return node
        own = {key: part for key, part in node.value.items() if key != "extends"}
        if "extends" not in node.value:
            parts = {key: self.resolve(part, (*path, key), chain) for key, part in own.items()}
            return replace(node, value=parts)
        base = self._named(node.value["extends"], (*path, "extends"), chain)
        return self._laid_over(base, replace(node, value=own), path, chain)

    def _merged(
        self, base: Node, own: Node, path: tuple[str, ...], chain: tuple[Path, ...]
    ) -> Node:
        """Lay a mapping over the same part of what its file extends; anything else replaces it.

        So does a part that extends something itself (two architectures are never mixed),
        and the value of an override.
        """
        both = isinstance(base.value, dict) and isinstance(own.value, dict)
        if not both or "extends" in dict(own.children()) or own.place.target == path != ():
            return self.resolve(own, path, chain)
        return self._laid_over(base, own, path, chain)

    def _laid_over(
        self, base: Node, own: Node, path: tuple[str, ...], chain: tuple[Path, ...]
    ) -> Node:
        """Lay a mapping over another, key by key."""
        parts = dict(base.children())
        for key, part in own.children():
            below = (*path, key)
            if key in parts:
                parts[key] = self._merged(parts[key], part, below, chain)
            else:
                parts[key] = self.resolve(part, below, chain)
        return Node(parts, own.place, note=own.note or base.note)

    def _named(self, reference: Node, path: tuple[str, ...], chain: tuple[Path, ...]) -> Node:
        """Return the content of the file that a reference names."""
        if not isinstance(reference.value, str):
            problem = f"expected a name or a path, got {shown(reference.plain)}"
            raise reference.place.fail(path, problem)
        file = find(reference.value, path, reference.place)
        resolved = file.resolve()
        if resolved in chain:
            links = [label_of(link) for link in (*chain[chain.index(resolved) :], resolved)]
            raise reference.place.fail(path, f"extends itself: {' -> '.join(links)}")
        mounted = path[:-1] if path[-1] == "extends" else path
        if resolved not in self._read:
            self._read[resolved] = read_file(file, self._budget)
        else:
            for below, _ in self._read[resolved].walk(mounted):
                self._budget.spend(reference.place, below)
        return self.resolve(self._read[resolved], mounted, (*chain, resolved))
