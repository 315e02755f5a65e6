"""The whole generator of Reddy (2023, arXiv 2312.03002): sequences as the tokens that his model takes."""

from __future__ import annotations

import hashlib

import numpy as np
import numpy.typing as npt

from icl_data._banks.index_bounds import holds_new_classes
from icl_data._sampling.sampler import BatchSampler
from icl_data._sequences.batch import SequenceBatch
from icl_data._sequences.kinds import Bursty, Random
from icl_data._sequences.split import ClassSplit
from icl_data._sources.counts import check_integers
from icl_data._sources.gaussian import GaussianSource

Floats = npt.NDArray[np.float32]


class ReddySequences:
    """Batches of tokens as a pure function of the seed, the stream's name and the step.

    A sequence is `pairs` items, each followed by its label, and an item whose label is asked for. A token holds its
    position, one-hot in the first 2 * max_pairs + 1 numbers, and its content in the last `dim`: items are those of a
    `GaussianSource`, labels fixed vectors of N(0, I / dim). The positions of a sequence begin at a place of its own,
    any of 0 to 2 * (max_pairs - pairs) with the same chance. Classes and labels have the same vectors in all streams
    of a seed, so that another stream, with other settings of the law, is a test of what is learned from this one.

    Classes are drawn as `Bursty` and `Random` say under protocol "released": those of a burst may coincide. The class
    at position i of `split.trained` has label i % n_labels and frequency (n_classes - i)**-zipf_exponent.

    Args:
        n_classes, n_labels: K classes, and the L labels that they share.
        dim: D, dimensions of items and labels.
        pairs, max_pairs: N pairs in a context, and as many as there are positions for.
        noise_scale: eps, the variation within a class relative to the spread between classes.
        burst: B, appearances of each of pairs / burst classes in a bursty sequence; 0: all items are drawn
            independently, that which is asked for, too.
        p_bursty: p_B, share of bursty sequences; the items of others are drawn independently.
        zipf_exponent: alpha, skew of the class frequencies over ranks.
        p_new: p_C, share of all sequences, bursty ones, whose classes are new: of as many as the batch has sequences.
        distinct_labels: the classes of a bursty context have distinct labels, see `Bursty`.
        shift: each label, and the right answer, becomes the one so many places further on, modulo n_labels.
        batch_size: sequences of a batch.
        seed: of everything, not negative.
        stream: name of the stream; streams with different names are independent.

    Attributes:
        source: the items.
        split: order and frequencies of the classes.
        sampler: which class each item is of, as indices.
        label_vectors: (n_labels, dim) float32.
        width: of a token, 2 * max_pairs + 1 + dim.

    Raises:
        ValueError: a burst that does not divide the context, more pairs than positions, new classes or distinct labels
            without bursts, or as `GaussianSource`, `Bursty` and `BatchSampler`.
    """

    def __init__(
        self,
        *,
        n_classes: int = 1024,
        n_labels: int = 32,
        dim: int = 63,
        pairs: int = 8,
        max_pairs: int = 32,
        noise_scale: float = 0.1,
        burst: int = 1,
        p_bursty: float = 1.0,
        zipf_exponent: float = 0.0,
        p_new: float = 0.0,
        distinct_labels: bool = False,
        shift: int = 0,
        batch_size: int = 128,
        seed: int = 0,
        stream: str = "train",
    ) -> None:
        check_integers(pairs=pairs, max_pairs=max_pairs, burst=burst, shift=shift, seed=seed)
        if seed < 0:
            raise ValueError(f"seed must be >= 0, got {seed}")
        if not 1 <= pairs <= max_pairs:
            raise ValueError(f"pairs must be in 1..max_pairs, got pairs={pairs} and max_pairs={max_pairs}")
        if burst < 0 or (burst and pairs % burst):
            raise ValueError(f"burst must be 0 or divide pairs, got burst={burst} and pairs={pairs}")
        if not burst and (p_new or distinct_labels):
            raise ValueError(
                f"p_new and distinct_labels need a burst of at least 1, got p_new={p_new} and "
                f"distinct_labels={distinct_labels} with burst=0"
            )
        kind: Bursty | Random = Random(class_type="zipfian", seq_len=pairs + 1)
        if burst:
            kind = Bursty(
                seq_len=pairs + 1,
                shots=burst,
                ways=pairs // burst,
                p_bursty=p_bursty,
                p_new=p_new,
                distinct_labels=distinct_labels,
            )
        self.source = GaussianSource(n_classes, dim=dim, noise_scale=noise_scale, seed=seed)
        self.split = ClassSplit(n_classes, n_rare=n_classes, n_common=0, zipf_exponent=zipf_exponent, seed=seed)
        self.sampler = BatchSampler(
            self.source,
            self.split,
            kind,
            batch_size=batch_size,
            seed=seed,
            stream=stream,
            protocol="released",
            n_labels=n_labels,
        )
        self.pairs, self.n_labels, self.shift = int(pairs), int(n_labels), int(shift)
        self._positions = 2 * int(max_pairs) + 1
        self.width = self._positions + int(dim)
        normal = np.random.Generator(np.random.Philox(key=_key(f"labels/{seed}"))).standard_normal((n_labels, dim))
        self.label_vectors: Floats = (normal / np.sqrt(dim)).astype(np.float32)
        self._noise_key = _key(f"tokens/{seed}/{stream}").tolist()

    def __call__(self, step: int) -> tuple[Floats, npt.NDArray[np.int64]]:
        """Batch number `step`, from 0.

        Returns:
            tokens (B, 2 * pairs + 1, width) float32, and the labels that are right at the last one, (B,) int64.

        Raises:
            ValueError: step is negative or no integer.
        """
        batch = self.sampler(step)
        rng = np.random.Generator(np.random.SFC64([*self._noise_key, int(step)]))  # noise is most of the work
        label = (batch.label.astype(np.int64) + self.shift) % self.n_labels
        tokens = np.zeros((len(batch), 2 * self.pairs + 1, self.width), dtype=np.float32)
        self._put_positions(rng, tokens)
        content = tokens[..., self._positions :]
        content[:, ::2] = self._items(rng, batch)
        content[:, 1::2] = self.label_vectors[label[:, :-1]]
        return tokens, label[:, -1]

    def _put_positions(self, rng: np.random.Generator, tokens: Floats) -> None:
        n, length, _ = tokens.shape
        start = rng.integers(self._positions - length + 1, size=n)
        # Along a sequence's tokens the one stands one place further on each time.
        first = np.arange(n) * length * self.width + start
        places = first[:, None] + np.arange(length) * (self.width + 1)
        tokens.reshape(-1)[places] = 1

    def _items(self, rng: np.random.Generator, batch: SequenceBatch) -> Floats:
        source, new = self.source, None
        if holds_new_classes(batch.class_index, source.n_classes):
            new = source.new_means(rng.standard_normal((len(batch), *source.example_shape), dtype=np.float32))
        noise = None
        if source.noise_scale:
            noise = rng.standard_normal((*batch.class_index.shape, *source.example_shape), dtype=np.float32)
        return source.gather(batch.class_index, batch.exemplar_index, noise, new=new)


def _key(name: str) -> npt.NDArray[np.uint64]:
    return np.frombuffer(hashlib.blake2b(f"icl-data/{name}".encode(), digest_size=16).digest(), dtype="<u8")
