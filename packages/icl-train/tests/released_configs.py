"""Configurations in the style of the released code, written for the tests: what figures vary, by name."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from icl_train._converting.reading import ReadFile, read_released

__all__ = ["of", "read", "released_config"]

_HEAD = '''\
from jaxline import base_config
from ml_collections import config_dict

SKEW = {zipf}
TURNS = 8


def get_config(debug=False):
  """A configuration."""

  def either(usual, small):
    return small if debug else usual

  config = base_config.get_base_config()
'''
_EXPERIMENT = """
config.experiment_kwargs = config_dict.ConfigDict(dict(config=dict(
    data=dict(
        train_seqs='bursty',
        example_type='omniglot',
        generator_config=dict(
            n_rare_classes={rare},
            n_common_classes={common},
            n_holdout_classes={holdout},
            zipf_exponent=SKEW,
            use_zipf_for_common_rare=False,
            noise_scale={noise},
            preserve_ordering_every_n={block},
        ),
        omniglot_config=dict(omniglot_split='all', exemplars='{exemplars}', augment_images={augment}),
        symbolic_config=dict(dataset_size=10 * 100),
        seq_config=dict(
            seq_len=2 * 4 + 1,  # a query too
            fs_shots=4, bursty_shots=3, ways=2,
            p_bursty={p_bursty}, p_bursty_common=0., p_bursty_zipfian=1., p_fewshot=0.1,
            non_bursty_type='zipfian',
            labeling_common='ordered', labeling_rare='{labeling}',
            randomly_generate_rare=False, grouped=False,
        ),
    ),
    preproc=dict(downsample={downsample}),
    optimizer={optimizer},
    training=dict(batch_size=4 * 8, learning_rate=1e-4, w_interim_predictions=0.),
    embedding=dict(
        num_classes=None, emb_dim=64, example_encoding='resnet', flatten_superpixels=False,
        example_dropout_prob=0., concatenate_labels=False,
        use_positional_encodings=True, positional_dropout_prob=0.,
    ),
    seq_model='{model}',
    transformer=dict(num_classes=None, num_layers=either({layers}, 2), num_heads=either(8, 2), dropout_prob=0.),
    rnn=dict(num_classes=None, num_layers=either({layers}, 2), hidden_size=64, dropout_prob=0.),
    evaluation=dict(batch_size=1),
)))

config.training_steps = int({steps})
config.log_train_data_interval = 60
config.log_tensors_interval = 60
config.save_checkpoint_interval = 300
config.checkpoint_dir = '/tmp/somewhere'
config.eval_specific_checkpoint_dir = ''
if SKEW:
  config.eval_modes = ('eval_no_support_zipfian', 'eval_fewshot_holdout', 'eval_no_support_common')
else:
  config.eval_modes = ('eval_no_support_zipfian', 'eval_fewshot_zipfian', 'eval_fewshot_holdout')
{more}
return config
"""
_USUAL: Mapping[str, object] = {
    "zipf": "0.",
    "rare": 1603,
    "common": 10,
    "holdout": 10,
    "noise": "0.",
    "block": None,
    "exemplars": "all",
    "augment": False,
    "p_bursty": 0.9,
    "labeling": "ordered",
    "downsample": False,
    "optimizer": "dict(name='adam', kwargs={}, max_lr=3e-4, warmup_steps=4000, clip_level=0.25)",
    "model": "transformer",
    "layers": 12,
    "steps": 5e5,
    "more": "",
}


def released_config(**different: object) -> str:
    """The text of a configuration; by default with the values of the paper's main experiment.

    Args:
        different: parts that are other than usual; ``more`` are lines at the end.
    """
    assert different.keys() <= _USUAL.keys(), different
    parts = {**_USUAL, **different}
    return _HEAD.format_map(parts) + textwrap.indent(_EXPERIMENT.format_map(parts), "  ")


def read(folder: Path, text: str | bytes) -> ReadFile:
    """What is read of such a file."""
    file = folder / "config.py"
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_released(file)


def of(folder: Path, value: str, before: str = "") -> Any:
    """What an option is that is set to an expression, after some lines."""
    lines = [*before.splitlines(), f"config.training_steps = {value}"]
    return read(folder, released_config(more="\n".join(lines))).options["training_steps"].value
