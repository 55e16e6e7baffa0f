"""Files that a decoder reads: log-probabilities and words."""

from collections.abc import Collection
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from archsim.errors import InputError, did_you_mean
from workloads.ctc_decoding.inputs import checked_log_probs


def read_log_probs(file: Path, array: str, symbols: int) -> NDArray[np.float64]:
    """Return the log-probabilities of a .npy or .npz file.

    Raises:
        InputError: if there is no such file or array, or it holds no log-probabilities of so
            many symbols.
    """
    try:
        loaded = np.load(file, allow_pickle=False)
    except FileNotFoundError:
        raise InputError(f"log_probs: no such file: {file}") from None
    except (OSError, ValueError, EOFError) as error:
        raise InputError(f"log_probs: {file} is no .npy or .npz file of numbers: {error}") from None
    if not isinstance(loaded, np.ndarray):
        with loaded:
            names = loaded.files
            if not array and len(names) == 1:
                array = names[0]
            if array not in names:
                hint = did_you_mean(array, names)
                raise InputError(f"array: {file} has no array {array!r}; {hint}")
            loaded = loaded[array]
    try:
        values = checked_log_probs(loaded)
    except InputError as error:
        raise InputError(f"{file}: {error}") from None
    if values.shape[1] != symbols:
        raise InputError(
            f"alphabet: it lists {symbols - 1} symbols, {symbols} with the blank, but {file} has "
            f"log-probabilities of {values.shape[1]}"
        )
    return values


def read_words(file: Path, plain: Collection[str] | None) -> tuple[str, ...]:
    """Return the words of a file, one a line; given ``plain`` letters, those that have no others.

    Raises:
        InputError: if there is no such file, or it is no text.
    """
    try:
        words = file.read_text(encoding="utf-8").split()
    except FileNotFoundError:
        raise InputError(f"lexicon: no such file: {file}") from None
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"lexicon: {file} cannot be read: {error}") from None
    if plain is None:
        return tuple(words)
    small = dict.fromkeys(word.lower() for word in words)
    return tuple(word for word in small if set(word) <= set(plain))
