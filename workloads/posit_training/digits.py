"""1,797 handwritten digits of 8 x 8 pixels, as they ship beside this module.

Source: E. Alpaydin, C. Kaynak, "Optical Recognition of Handwritten Digits", UCI Machine
Learning Repository (1998), doi 10.24432/C50P49, licence CC BY 4.0; the test set, unchanged,
in the file that scikit-learn ships as ``digits.csv.gz``. With 56 kB it is kept here, so
that training needs no package and no download.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

FILE = Path(__file__).with_name("digits.csv.gz")
TESTED = 450
"""Digits held back for the accuracy, a quarter of all."""


@dataclass(frozen=True, kw_only=True)
class Digits:
    """Images (n, 8, 8, 1) of mean 0 and deviation 1 in training, and labels (n,) 0 to 9."""

    train_images: NDArray[np.float32]
    train_labels: NDArray[np.int64]
    test_images: NDArray[np.float32]
    test_labels: NDArray[np.int64]


def load(rng: np.random.Generator) -> Digits:
    """Return the digits in an order of chance, split into those to learn from and to test on."""
    table = np.loadtxt(FILE, delimiter=",", dtype=np.float32)
    table = table[rng.permutation(len(table))]
    images, labels = table[:, :64].reshape(-1, 8, 8, 1), table[:, 64].astype(np.int64)
    images = (images - images[TESTED:].mean()) / images[TESTED:].std()
    return Digits(
        train_images=images[TESTED:],
        train_labels=labels[TESTED:],
        test_images=images[:TESTED],
        test_labels=labels[:TESTED],
    )
