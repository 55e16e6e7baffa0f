"""Registries: names users write, and the values they stand for.

A registry is filled while plugins are imported and read-only after. Our own
formats, workloads and components are found through the same entry points as a
third party's.
"""

from collections.abc import Callable, Iterator
from functools import cache
from importlib import import_module
from importlib.metadata import entry_points
from pkgutil import iter_modules
from types import MappingProxyType
from typing import Generic, TypeVar

from archsim.errors import RegistryError, did_you_mean

GROUP = "archsim.plugins"

T = TypeVar("T")
V = TypeVar("V")


class Registry(Generic[T]):
    """Values of one sort by name; ``noun`` is what messages call them."""

    def __init__(self, noun: str) -> None:
        self.noun = noun
        self._values: dict[str, T] = {}

    def register(self, name: str) -> Callable[[V], V]:
        """Return a decorator that files its argument under ``name``.

        Raises:
            RegistryError: if the name is taken by another value.
        """

        def file(value: V) -> V:
            if name in self._values:
                raise RegistryError(f"two of {self.noun} want the name {name!r}")
            self._values[name] = value  # type: ignore[assignment]
            return value

        return file

    def __getitem__(self, name: str) -> T:
        if name not in self._values:
            hint = did_you_mean(name, self._values)
            raise RegistryError(f"no {self.noun} named {name!r}; {hint}")
        return self._values[name]

    def __contains__(self, name: str) -> bool:
        return name in self._values

    def __iter__(self) -> Iterator[str]:
        return iter(sorted(self._values))


@cache
def load_plugins(group: str = GROUP) -> MappingProxyType[str, str]:
    """Import every module or package that declares ``group``, with its modules.

    Returns the entry points' names and the modules they point at.

    Raises:
        RegistryError: if a plugin cannot be imported.
    """
    found: dict[str, str] = {}
    for point in sorted(entry_points(group=group), key=lambda point: point.name):
        try:
            loaded = point.load()
            for module in iter_modules(getattr(loaded, "__path__", ()), f"{point.value}."):
                import_module(module.name)
        except ImportError as error:
            raise RegistryError(f"plugin {point.name!r} ({point.value}): {error}") from error
        found[point.name] = point.value
    return MappingProxyType(found)
