"""One linear layer with an adapter, in numpy: its result and its gradients, exact or quantised.

Quantised, each operand of a product is whole numbers times a scale of its whole tensor (see
:mod:`archsim.ir.quantizer`), each sum of products is exact, and h and dh are quantised again
before they are multiplied.
"""

from typing import Any, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from archsim.errors import did_you_mean
from archsim.ir.operation import Array
from archsim.ir.quantizer import Quantizer, Scheme

INT8, INT32 = np.dtype(np.int8), np.dtype(np.int32)


def lora_step(
    x: ArrayLike,
    w: ArrayLike,
    a: ArrayLike,
    b: ArrayLike,
    grad: ArrayLike,
    scaling: float,
    quantizer: Scheme | None = None,
) -> dict[str, Any]:
    """Return ``y = x w + scaling (x a) b`` and the gradients of a, b and x, given that of y.

    Shapes: x (rows, in), w (in, out), a (in, rank), b (rank, out), grad (rows, out). The
    result holds ``y, dA, dB, dx``. With a quantizer it also holds ``scales``, by ``x, W, A,
    B, dy, h, dh``; the int8 tensors ``xq, Wq, Aq, Bq, gq, hq, dhq``, of which the last two
    are requantised; and ``accumulators``, the int32 sums ``xW, h, hB, dB, dh, dA, gW, dhA``.

    Raises:
        ValueError: for shapes that do not fit, or an unknown quantizer.
    """
    x, w, a, b, grad = (np.asarray(array, dtype=np.float64) for array in (x, w, a, b, grad))
    _check_shapes(x, w, a, b, grad)
    if quantizer is None:
        return _exact(x, w, a, b, grad, scaling)
    if quantizer not in get_args(Scheme):
        raise ValueError(
            f"quantizer: no quantizer {quantizer!r}; {did_you_mean(quantizer, get_args(Scheme))}"
        )
    return _quantised(x, w, a, b, grad, scaling, Quantizer(quantizer))


def _check_shapes(x: Array, w: Array, a: Array, b: Array, grad: Array) -> None:
    wanted = {
        "x": (x, (grad.shape[0], w.shape[0])),
        "a": (a, (w.shape[0], b.shape[0])),
        "b": (b, (a.shape[-1], w.shape[-1])),
        "grad": (grad, (x.shape[0], w.shape[-1])),
    }
    for name, (array, shape) in wanted.items():
        if array.shape != shape:
            raise ValueError(f"{name}: expected the shape {shape}, got {array.shape}")


def _exact(x: Array, w: Array, a: Array, b: Array, g: Array, s: float) -> dict[str, Any]:
    h = x @ a
    dh = s * (g @ b.T)
    return {
        "y": x @ w + s * (h @ b),
        "dA": x.T @ dh,
        "dB": s * (h.T @ g),
        "dx": g @ w.T + dh @ a.T,
    }


def _quantised(
    x: Array, w: Array, a: Array, b: Array, g: Array, s: float, quantizer: Quantizer
) -> dict[str, Any]:
    given = {"x": x, "W": w, "A": a, "B": b, "dy": g}
    whole: dict[str, Array] = {}
    scales: dict[str, float] = {}
    sums: dict[str, NDArray[np.int32]] = {}

    def hold(name: str, values: Array) -> None:
        whole[name], scales[name] = quantizer.quantize(values)

    def product(name: str, one: str, other: str, turn: str = "") -> Array:
        """Multiply two held tensors, one of them perhaps transposed, and scale the sums."""
        left = whole[one].T if turn == "left" else whole[one]
        right = whole[other].T if turn == "right" else whole[other]
        total = left @ right  # exact: whole numbers below 2^53
        sums[name] = total.astype(INT32)
        return total * (scales[one] * scales[other])

    for name, values in given.items():
        hold(name, values)
    hold("h", product("h", "x", "A"))
    hold("dh", s * product("dh", "dy", "B", "right"))
    results = {
        "y": product("xW", "x", "W") + s * product("hB", "h", "B"),
        "dA": product("dA", "x", "dh", "left"),
        "dB": s * product("dB", "h", "dy", "left"),
        "dx": product("gW", "dy", "W", "right") + product("dhA", "dh", "A", "right"),
    }
    names = {"x": "xq", "W": "Wq", "A": "Aq", "B": "Bq", "dy": "gq", "h": "hq", "dh": "dhq"}
    held = {names[name]: values.astype(INT8) for name, values in whole.items()}
    return {**results, **held, "scales": {name: scales[name] for name in names}} | {
        "accumulators": sums
    }
