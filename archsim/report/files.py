"""Files that are there whole or not at all."""

from collections.abc import Iterable, Mapping
from os import W_OK, X_OK, access, getpid
from pathlib import Path

from archsim.errors import InputError


def write_atomically(folder: Path, contents: Mapping[str, bytes]) -> list[Path]:
    """Write files into a folder, which is made if missing; all of them or none.

    Each is written under a temporary name beside its final one and renamed when all are
    on disk, so that a reader never sees half a file.

    Raises:
        InputError: if the folder, or a file in it, cannot be written.
    """
    parts = {folder / name: folder / f".{name}.{getpid()}.part" for name in contents}
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for target in parts:
            if target.is_dir():
                raise IsADirectoryError(None, "a folder of this name is in the way", str(target))
        for (target, part), content in zip(parts.items(), contents.values(), strict=True):
            part.write_bytes(content)
            assert part.parent == target.parent
        for target, part in parts.items():
            part.replace(target)
    except OSError as error:
        raise InputError(_message(folder, error)) from error
    finally:
        _remove(parts.values())
    return list(parts)


def check_writable(folder: Path) -> None:
    """Check, without making anything, that a folder is there to write to or can be made.

    Raises:
        InputError: if not.
    """
    above = next(path for path in (folder, *folder.absolute().parents) if path.exists())
    if not above.is_dir():
        raise InputError(_message(folder, NotADirectoryError()))
    if not access(above, W_OK | X_OK):
        raise InputError(_message(above, PermissionError(0, "no permission", str(above))))


def _remove(parts: Iterable[Path]) -> None:
    """Remove what is left of temporary files; a folder that was never made holds none."""
    for part in parts:
        if part.parent.is_dir():
            part.unlink(missing_ok=True)


def _message(folder: Path, error: OSError) -> str:
    if isinstance(error, FileExistsError | NotADirectoryError):
        return f"cannot write to {str(folder)!r}: it is, or lies in, a file; give another folder"
    reason = error.strerror or str(error)
    place = error.filename or str(folder)
    return f"cannot write {str(place)!r}: {reason}; give another folder, or free this one"
