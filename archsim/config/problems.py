"""Pydantic's findings -> one sentence about one value at one place."""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from archsim.config.node import Section, shown
from archsim.errors import ConfigError, did_you_mean

KIND_TAG = "kind="
"""Marks, in pydantic's locations, the choice of a kind, which is no key of the file."""

_EXPECTED: dict[str, str] = {
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "finite_number": "a finite number",
    "string_type": "text",
    "bool_type": "true or false",
    "none_required": "null",
    "tuple_type": "a list",
    "list_type": "a list",
    "frozen_set_type": "a list",
    "dict_type": "a mapping",
    "model_type": "a mapping",
    "model_attributes_type": "a mapping",
}

_BOUNDS: dict[str, tuple[str, str]] = {
    "less_than_equal": ("at most", "le"),
    "less_than": ("less than", "lt"),
    "greater_than_equal": ("at least", "ge"),
    "greater_than": ("greater than", "gt"),
}


@dataclass(frozen=True, slots=True)
class _Finding:
    """One of pydantic's errors, and the value in the file that it is about."""

    details: ErrorDetails
    path: tuple[str, ...]
    """Keys below the section."""
    branch: tuple[str, ...] | None
    """The value at which a union tried several types, where one did."""
    attempt: str
    """The type that it tried."""

    @property
    def expected(self) -> str:
        """What the value should have been, or nothing where the error says more than that."""
        kind, context = self.details["type"], self.details.get("ctx", {})
        if kind in {"literal_error", "enum"}:
            return str(context["expected"])
        return _EXPECTED.get(kind, "")


def translated(error: ValidationError, section: Section) -> ConfigError:
    """Return the most telling of pydantic's findings as an error of ours."""
    findings = [_located(details, section) for details in error.errors(include_url=False)]
    first = findings[0]
    if first.branch is None:
        return _worded(first, section)
    attempts: dict[str, list[_Finding]] = {}
    for finding in findings:
        if finding.branch == first.branch:
            attempts.setdefault(finding.attempt, []).append(finding)
    # The attempt that got deepest, and then the one with the fewest faults, was meant.
    meant = max(attempts.values(), key=lambda found: (len(found[0].path), -len(found)))
    if len(meant[0].path) > len(first.branch):
        return _worded(meant[0], section)
    tried = [found[0] for found in attempts.values()]
    telling = [finding for finding in tried if not finding.expected]
    if telling:
        return _worded(telling[0], section)
    choices = dict.fromkeys(finding.expected for finding in tried)
    return _unexpected(" or ".join(choices), first, section)


def _located(details: ErrorDetails, section: Section) -> _Finding:
    """Follow pydantic's location through the file; what is no key there is a union's branch."""
    path: tuple[str, ...] = ()
    branch: tuple[str, ...] | None = None
    attempt = ""
    node = section.node
    for step in details["loc"]:
        key = str(step)
        below = node.child(key)
        if below is not None:
            path, node = (*path, key), below
        elif key != "[key]" and not key.startswith(KIND_TAG) and branch is None:
            branch, attempt = path, key
    return _Finding(details, path, branch, attempt)


def _unexpected(expected: str, finding: _Finding, section: Section) -> ConfigError:
    value = section.node.at(finding.path).plain
    hint = ""
    choices = re.findall(r"'([^']*)'", expected)
    if isinstance(value, str) and choices:
        close = did_you_mean(value, choices)
        hint = close if close.startswith("did") else ""
    return _fail(section, finding.path, f"expected {expected}, got {shown(value)}", hint)


def _worded(finding: _Finding, section: Section) -> ConfigError:
    """Return one finding as an error."""
    if finding.details["loc"][-1:] == ("[key]",):
        choices = re.findall(r"'([^']*)'", finding.expected)
        return _fail(section, finding.path, "unknown key", did_you_mean(finding.path[-1], choices))
    if finding.expected:
        return _unexpected(finding.expected, finding, section)
    kind, context = finding.details["type"], finding.details.get("ctx", {})
    if kind in _BOUNDS:
        words, key = _BOUNDS[kind]
        value = shown(section.node.at(finding.path).plain)
        return _fail(section, finding.path, f"must be {words} {context[key]}, got {value}")
    wording: Callable[..., ConfigError] = _WORDINGS.get(kind, _in_pydantics_words)
    return wording(finding, section, context)


def _unknown_key(finding: _Finding, section: Section, context: dict[str, Any]) -> ConfigError:
    path = (*finding.path, context["key"])
    return _fail(section, path, "unknown key", did_you_mean(context["key"], context["known"]))


def _missing_key(finding: _Finding, section: Section, context: dict[str, Any]) -> ConfigError:
    path = (*finding.path, context["key"])
    more = f"also missing: {', '.join(context['more'])}" if context["more"] else ""
    return _fail(section, path, f"missing; expected {context['expected']}", more)


def _extent(finding: _Finding, section: Section, context: dict[str, Any]) -> ConfigError:
    bound = context.get("max_length", context.get("min_length"))
    items = "item" if bound == 1 else "items"
    return _fail(
        section, finding.path, f"expected a list of {bound} {items}, got {context['actual_length']}"
    )


def _missing_item(finding: _Finding, section: Section, context: dict[str, Any]) -> ConfigError:
    del context
    items = len(list(section.node.at(finding.path).children()))
    return _fail(section, finding.path, f"a list of {items} items is too short")


def _refused(finding: _Finding, section: Section, context: dict[str, Any]) -> ConfigError:
    """Word a ValueError of ours; one that begins with a field's path is about that field."""
    problem = str(context["error"])
    named = re.match(r"([\w.]+)(?:: | (?=must ))", problem)
    if named is not None:
        below = _existing(section, finding.path, named[1].split("."))
        if below is not None:
            return _fail(section, below, problem[named.end() :])
    return _fail(section, finding.path, problem)


def _in_pydantics_words(
    finding: _Finding, section: Section, context: dict[str, Any]
) -> ConfigError:
    del context
    message = finding.details["msg"]
    return _fail(section, finding.path, message[:1].lower() + message[1:])


_WORDINGS: dict[str, Callable[[_Finding, Section, dict[str, Any]], ConfigError]] = {
    "unknown_key": _unknown_key,
    "missing_key": _missing_key,
    "missing": _missing_item,
    "too_long": _extent,
    "too_short": _extent,
    "value_error": _refused,
}


def _existing(
    section: Section, start: tuple[str, ...], names: Iterable[str]
) -> tuple[str, ...] | None:
    """Return ``start`` lengthened by names, if the file has the first of them."""
    names = tuple(names)
    if section.node.at(start).child(names[0]) is None:
        return None
    return (*start, *names)


def _fail(section: Section, path: tuple[str, ...], problem: str, hint: str = "") -> ConfigError:
    """Return an error about the value at ``path``, at the line nearest to it."""
    return section.node.at(path).place.fail((*section.path, *path), problem, hint)
