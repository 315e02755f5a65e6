"""The sequences of the released code of Chan et al. (2022), one by one: what each kind looks like, and why it stays so.

    python exact_sequences.py

Compare your own implementation with these: one seed gives one stream, bit for bit.
"""

from __future__ import annotations

import argparse
from itertools import islice

import numpy as np

from icl_data import SeqGenerator, SymbolicSource

# The paper's split of the 1,623 characters of Omniglot, here with the characters' numbers as examples.
SPLIT = {"n_rare_classes": 1603, "n_common_classes": 10, "n_holdout_classes": 10}


def generator(seed: int) -> SeqGenerator:
    """A new generator at the beginning of its stream; ids carry no noise."""
    return SeqGenerator(SymbolicSource(1623), **SPLIT, noise_scale=0.0, seed=seed)


def show(title: str, record: dict[str, np.ndarray]) -> None:
    """One sequence as `example:label` pairs; the model sees all but the last label, which it must predict."""
    *context, query = (f"{example}:{label}" for example, label in zip(record["example"], record["label"], strict=True))
    print(f"{title:>12}  {' '.join(context)} -> {query}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.parse_args()  # there are none, which it says to whoever gives one
    # Training: in a bursty sequence two classes come three times each, and the query is one of them.
    training = generator(seed=0).get_bursty_seq(seq_len=9, shots=3, ways=2, p_bursty=0.9)
    for record in islice(training, 3):
        show("bursty", record)

    # In-weights evaluation: nothing in the context tells the query's label, so the weights have to know it.
    show("no support", next(generator(seed=0).get_no_support_seq("rare")))

    # In-context evaluation: classes never seen in training, with labels 0 and 1 that only the context tells.
    fewshot = next(generator(seed=0).get_fewshot_seq("holdout", shots=4, ways=2, labeling="unfixed"))
    show("few-shot", fewshot)
    holdout = set(generator(seed=0).split.holdout.tolist())
    print(f"all examples of the few-shot sequence are holdout classes: {set(fewshot['example'].tolist()) <= holdout}")

    # A stream is a function of the seed alone; iterators of one generator share it, so make one for each purpose.
    again = generator(seed=0).get_bursty_seq(seq_len=9, shots=3, ways=2, p_bursty=0.9)
    other = generator(seed=1).get_bursty_seq(seq_len=9, shots=3, ways=2, p_bursty=0.9)
    first, same, different = (
        np.stack([record["example"] for record in islice(stream, 100)])
        for stream in (generator(seed=0).get_bursty_seq(), again, other)
    )
    print(f"same seed, same 100 sequences: {np.array_equal(first, same)}")
    print(f"another seed, other sequences: {not np.array_equal(first, different)}")


if __name__ == "__main__":
    main()
