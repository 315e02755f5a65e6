"""A transformer whose previous-token head and induction head are set by hand, and sequences that it solves."""

import pytest
import torch
from torch import nn

from icl_models import ModelConfig, TransformerConfig, build_model

CLASSES, LABELS, WIDTH, HEADS = 8, 4, 64, 2
# Where in the residual stream what is written: the item, the label, the item before, the answer, the position.
ITEM, LABEL, BEFORE, ANSWER, POSITION = (
    slice(0, 8),
    slice(8, 12),
    slice(12, 20),
    slice(20, 24),
    slice(24, 48),
)
SHARP = 60.0


def config(**changes):
    settings = {
        "num_classes": LABELS,
        "example_kind": "vector",
        "example_shape": (CLASSES,),
        "embedder": "vector",
        "emb_dim": WIDTH,
        "num_layers": 2,
        "num_heads": HEADS,
        "sequence_model_config": TransformerConfig(mlp_layers=(), positions="learned", num_positions=24),
    }
    return ModelConfig(**(settings | changes))


def put(linear, rows, columns, value):
    linear.weight[rows, columns] = value * torch.eye(rows.stop - rows.start, columns.stop - columns.start)


def by_hand():
    """Layer 0, head 0: from a token to the one before; layer 1, head 0: from the query to the labels of its class."""
    model = build_model(config(), seed=0)
    first, second = model.sequence_model.blocks
    with torch.no_grad():
        for module in model.modules():
            if isinstance(module, nn.Linear | nn.Embedding):
                module.weight.zero_()
            if isinstance(module, nn.Linear) and module.bias is not None:
                module.bias.zero_()
        model.sequence_model.learned_positions.table.zero_()
        places = POSITION.stop - POSITION.start
        model.sequence_model.learned_positions.table[:, POSITION] = torch.eye(places)
        next(model.embedder.parameters()).copy_(torch.eye(WIDTH, CLASSES))
        model.label_table.weight[:, LABEL] = torch.eye(LABELS)
        # Queries, keys and values of head 0 are rows 0:32 of each third of the layer's matrix.
        q, k, v = (slice(start, start + places) for start in (0, WIDTH, 2 * WIDTH))
        first.attention.qkv.weight[q, POSITION] = SHARP * torch.eye(places).roll(-1, 0)
        first.attention.qkv.weight[places - 1, POSITION.start] = 0  # no token is before the first
        put(first.attention.qkv, k, POSITION, 1.0)
        put(first.attention.qkv, slice(v.start, v.start + CLASSES), ITEM, 1.0)
        put(first.attention.out, BEFORE, slice(0, CLASSES), 1.0)
        put(second.attention.qkv, slice(0, CLASSES), ITEM, SHARP)
        put(second.attention.qkv, slice(WIDTH, WIDTH + CLASSES), BEFORE, 1.0)
        second.attention.qkv.bias[CLASSES] = SHARP  # and labels alone: the first token has itself before it
        second.attention.qkv.weight[WIDTH + CLASSES, LABEL] = 1.0
        put(second.attention.qkv, slice(2 * WIDTH, 2 * WIDTH + LABELS), LABEL, 1.0)
        put(second.attention.out, ANSWER, slice(0, LABELS), 1.0)
        put(model.readout, slice(0, LABELS), ANSWER, 1.0)
    return model


def sequences(n=200, *, shots=2, ways=2, seed=0):
    """One-hot items (N, L, CLASSES) of few-shot contexts in random order, and labels (N, L) from 0 to ways - 1."""
    random = torch.Generator().manual_seed(seed)

    def drawn(size, count):
        return torch.stack([torch.randperm(size, generator=random)[:count] for _ in range(n)])

    classes, labels = drawn(CLASSES, ways), drawn(ways, ways)
    order = drawn(shots * ways, shots * ways) % ways
    asked = torch.randint(ways, (n, 1), generator=random)
    places = torch.cat((order, asked), 1)
    return nn.functional.one_hot(classes.gather(1, places), CLASSES).float(), labels.gather(1, places)


@pytest.fixture(scope="session")
def induction_model():
    return by_hand()


@pytest.fixture(scope="session")
def embedded(induction_model):
    items, labels = sequences()
    with torch.no_grad():
        return induction_model.embed_examples(items), labels


@pytest.fixture(scope="session")
def untrained():
    """A model of random weights, with MLPs, and what it makes of the same sequences."""
    items, labels = sequences(1000)
    model = build_model(config(sequence_model_config=None), seed=3)
    with torch.no_grad():
        return model, model.embed_examples(items), labels


@pytest.fixture(name="config_of_hand")
def changed_config():
    return config


@pytest.fixture(name="drawn")
def drawn_sequences():
    return sequences
