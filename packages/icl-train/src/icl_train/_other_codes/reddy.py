"""The script of Reddy 2023: its positional arguments, and the constants at its top.

Read in copies of ic_vs_iw_v3.py with its generator and network, which other repositories carry (YiranHuangIrene/ICL,
jessegeerts/icl-data-dependence).
"""

from __future__ import annotations

from icl_train._other_codes.option import Code
from icl_train._other_codes.option import told_option as _told

__all__ = ["REDDY"]


REDDY = Code(
    name="The script of Reddy 2023 (JAX)",
    source="`ic_vs_iw_v3.py` in copies that other repositories carry (`YiranHuangIrene/ICL`, "
    "`jessegeerts/icl-data-dependence`); the original itself was not read. Numbered arguments are given by place, the "
    "others are constants in the script. Preset `reddy2023` is the paper's network and data, and "
    "`icl_data.ReddySequences` its generator, token by token.",
    options=(
        _told("1: K", "", "data.n_rare_classes", told="with `--data.n-common-classes 0`"),
        _told("2: N", "", "data.seq_len", told="one more, as ours counts the query"),
        _told(
            "3: width",
            "",
            "data.dim",
            told="less the 65 places of positions, 2 Nmax + 1; `model.emb_dim` is the same number",
        ),
        _told("4: alpha", "", "data.zipf_exponent"),
        _told(
            "5: B",
            "",
            "data.shots",
            "data.ways",
            told="`data.ways` is N / B; B = 0 is `--data.sequence random_zipfian`",
        ),
        _told("6: p_B", "", "data.p_bursty"),
        _told("7: p_C", "", "data.p_new"),
        _told("8: eps", "", "data.noise_scale"),
        _told(
            "9: device",
            "",
            "train.device",
            "seeds.init",
            "seeds.data",
            told="a number there, of the device and of the seeds alike",
        ),
        _told("L", 32, "data.n_labels"),
        _told("S", 10000, "eval.batches", told="sequences there, batches of `train.batch_size` here"),
        _told("Nmax", 32, "model.sequence_model_config.max_pairs"),
        _told("niters", 150000, "train.max_steps"),
        _told("batchsize", 128, "train.batch_size"),
        _told("lr", 0.01, "optim.max_lr", told="`--optim.optimizer sgd --optim.schedule constant`"),
        _told(
            "w_decay",
            1e-6,
            told="never handed on: the update has its own 1e-6 of the weights, `--weight-decay 1e-4` at the rate .01",
            fate="idle",
        ),
        _told("att_layers", 2, "model.num_layers"),
        _told("mlp_layers", 3, "model.sequence_model_config.mlp_layers"),
        _told("no_repeats", True, "data.distinct_labels"),
        _told("nruns", 1, told="`icl-train sweep reddy2023 --run-seeds 0 1 2`"),
        _told("store", True, told="a run is always kept"),
        _told("print_acc", True, told="every evaluation is written down"),
        _told("print_loss", False, told="every evaluation is written down, with its loss"),
        _told("print_freq", 1000, "eval.interval"),
        _told("param_store_freq", 500, "train.checkpoint_interval"),
        _told("test_inputs", "p_B, p_C", told="evaluation `bursty`"),
        _told("test_inputs_ic", "p_B 1, p_C 1", told="evaluation `shared_label`"),
        _told("test_inputs_ic2", "flip_labels", told="evaluation `shifted`"),
        _told("test_inputs_iw", "B 0", told="evaluation `random_zipfian`"),
    ),
)
