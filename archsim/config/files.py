"""Finding and reading configuration files.

A name (``u50``) is looked for in the folder of its section; a path (``./u50.yaml``,
anything with a slash or a suffix) starts at the file that says it.
"""

import sys
from collections.abc import Iterable, Iterator
from itertools import chain
from pathlib import Path

from archsim.config.node import Node, Place
from archsim.config.yaml_reader import LARGEST_FILE, Budget, parse, read_text
from archsim.errors import ConfigError, did_you_mean

FOLDERS = {
    "architecture": "architectures",
    "workload": "workloads",
    "energy": "energy",
    "components": "components",
    "experiment": "experiments",
    "comparison": "comparisons",
    "sweep": "sweeps",
}
"""The folder that holds the files of each section."""

NOUNS = {"components": "component"}
"""What one file is called where its section is a plural."""

SUFFIXES = (".yaml", ".yml")


def label_of(file: Path) -> str:
    """Return a file's path as messages show it: short where that is unambiguous."""
    try:
        resolved = file.resolve()
    except (OSError, RuntimeError, ValueError):  # a loop of links, a name no system knows
        return str(file)
    here = Path.cwd().resolve()
    return str(resolved.relative_to(here) if resolved.is_relative_to(here) else resolved)


def read_file(file: Path, budget: Budget) -> Node:
    """Return what a file says.

    Raises:
        ConfigError: if there is no such file, or it is not a YAML mapping.
    """
    label = label_of(file)
    try:
        with file.open("rb") as stream:
            data = stream.read(LARGEST_FILE + 1)
    except FileNotFoundError:
        raise ConfigError((), "no such file", hint=_neighbours(file), where=label) from None
    except IsADirectoryError:
        inside = _names(file)
        hint = f"it holds {', '.join(inside[:8])}" if inside else ""
        raise ConfigError((), "a folder, not a file", hint=hint, where=label) from None
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise ConfigError((), f"cannot be read: {reason}", where=label) from None
    place = Place(label, file.resolve(), (file.resolve().parent,))
    root = parse(read_text(data, label), place, budget)
    if root is None or root.value is None:
        raise ConfigError((), "empty", where=label)
    if not isinstance(root.value, dict):
        raise root.place.fail((), "expected keys and values at the top of the file")
    return root


def find(name: str, path: tuple[str, ...], place: Place) -> Path:
    """Return the file that a reference at ``path`` names.

    Raises:
        ConfigError: if there is none.
    """
    if "\0" in name or not name.strip():
        raise place.fail(path, f"{name!r} is not the name of a file")
    if "/" in name or "\\" in name or name.endswith(SUFFIXES):
        return _path(name, path, place)
    section = _section(path, place)
    folders = list(_folders(FOLDERS[section], place))
    for folder in folders:
        for suffix in SUFFIXES:
            file = folder / f"{name}{suffix}"
            # An experiment may have its workload's name: beside itself it means another file.
            if file.is_file() and (file != place.file or folder.name == FOLDERS[section]):
                return file
    known = {folder: _names(folder, stems=True) for folder in folders}
    own = {one for folder in folders if folder.name == FOLDERS[section] for one in known[folder]}
    names = set(chain(*known.values()))
    hint = did_you_mean(name, names, own) if names else "write a path"
    noun = NOUNS.get(section, section)
    raise place.fail(path, f"no {noun} configuration named {name!r}", hint)


def find_data(name: str, path: tuple[str, ...], place: Place) -> Path:
    """Return the file of data that a value at ``path`` names, relative to who says it.

    Raises:
        ConfigError: if there is none.
    """
    tried = [start / Path(name).expanduser() for start in place.folders or (Path(),)]
    for file in tried:
        if file.is_file():
            return file
    raise place.fail(path, f"no such file: {label_of(tried[-1])}")


def available() -> dict[str, list[Path]]:
    """Return the files in the packaged configurations and those near here, by folder name."""
    found: dict[str, list[Path]] = {}
    for folder in FOLDERS.values():
        roots = [Path.cwd(), Path.cwd() / "configs", *_packaged()]
        for inside in dict.fromkeys((root / folder).resolve() for root in roots):
            files = (inside / name for name in _names(inside))
            found.setdefault(folder, []).extend(files)
    return {folder: files for folder, files in found.items() if files}


def _path(name: str, path: tuple[str, ...], place: Place) -> Path:
    """Return the file at a path, relative to whoever says it."""
    tried = [start / Path(name).expanduser() for start in place.folders or (Path(),)]
    for file in tried:
        for spelled in (file, *(file.with_name(f"{file.name}{suffix}") for suffix in SUFFIXES)):
            if spelled.is_file():
                return spelled
    raise place.fail(path, f"no such file: {label_of(tried[-1])}", _neighbours(tried[-1]))


def _section(path: tuple[str, ...], place: Place) -> str:
    """Return what sort of configuration a reference at ``path`` names."""
    for key in reversed(path):
        if key in FOLDERS:
            return key
    parent = place.file.parent.name if place.file else ""
    return next((key for key, folder in FOLDERS.items() if folder == parent), "experiment")


def _folders(folder: str, place: Place) -> Iterator[Path]:
    """Yield the folders in which a name may lie, the preferred ones first."""
    for start in place.folders:
        ancestors = (start, *start.parents)
        yield from [up / folder for up in ancestors if (up / folder).is_dir()][:1]
    yield from place.folders
    yield from (root / folder for root in _packaged())


def _packaged() -> Iterable[Path]:
    """Return the roots of what comes with archsim: in its repository, or installed."""
    return (
        Path(__file__).resolve().parents[2] / "configs",
        Path(sys.prefix) / "share" / "archsim" / "configs",
    )


def _names(folder: Path, *, stems: bool = False) -> list[str]:
    """Return the configurations in a folder, sorted."""
    try:
        files = sorted(file for file in folder.iterdir() if file.suffix in SUFFIXES)
    except OSError:
        return []
    return [file.stem if stems else file.name for file in files]


def _neighbours(file: Path) -> str:
    """Return a hint naming the file beside a missing one that is spelled most like it."""
    known = _names(file.parent)
    return did_you_mean(file.name, known) if known else ""
