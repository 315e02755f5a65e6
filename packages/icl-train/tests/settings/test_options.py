"""Every option of a run does something: it changes the run's numbers or files, and no option is missing here."""

import dataclasses
import hashlib
import importlib.util
import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from icl_models import ModelConfig
from icl_train import RunConfig, smoke
from icl_train._commands.main import _main

_spec = importlib.util.spec_from_file_location("tiny_omniglot", Path(__file__).parents[1] / "tiny_omniglot.py")
tiny_omniglot = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(tiny_omniglot)

SHORT = ["--max-steps", "4", "--eval-interval", "2", "--eval-batches", "1", "--train.log-interval", "2"]
SHORT += ["--train.checkpoint-interval", "2"]
OWN_LABELS = ["--data.n-labels", "None"]
IMAGES = ["--data.omniglot", "{omniglot}", "--model.embedder", "linear", "--data.n-rare-classes", "8", *OWN_LABELS]
COMMON = ["--data.p-bursty-zipfian", "0"]
COSINE = ["--optim.schedule", "cosine", "--optim.warmup-steps", "1"]
SGD = ["--optimizer", "sgd"]
MOMENTUM = [*SGD, "--optim.momentum", "0.9"]
LSTM = ["--model.sequence-model", "lstm"]

# option → (the settings it is tried with, its value there)
EFFECTS = {
    "data.source": (["--data.dim", "None"], "symbolic"),
    "data.omniglot": (IMAGES, "{other}"),
    "data.exemplars": (IMAGES, "single"),
    "data.augment": (IMAGES, None),
    "data.downsample": (IMAGES, None),
    "data.train-exemplars": (IMAGES, "0:10"),
    "data.dim": ([], "5"),
    "data.noise-scale": ([], "0.5"),
    "data.n-exemplars": ([], "5"),
    "data.n-rare-classes": ([], "40"),
    "data.n-common-classes": ([], "12"),
    "data.n-holdout-classes": ([], "12"),
    "data.zipf-exponent": ([], "1"),
    "data.use-zipf-for-common-rare": ([*COMMON, "--data.zipf-exponent", "2"], None),
    "data.n-labels": ([], "4"),
    "data.sequence": ([], "fewshot_rare"),
    "data.seq-len": ([], "10"),
    "data.shots": ([], "2"),
    "data.ways": (["--data.shots", "2", "--data.p-bursty", "1"], "3"),
    "data.fs-shots": ([], "3"),
    "data.p-bursty": ([], "0.1"),
    "data.p-bursty-common": (COMMON, "1"),
    "data.p-bursty-zipfian": ([], "0"),
    "data.non-bursty-type": (["--data.p-bursty", "0"], "common_uniform"),
    "data.p-fewshot": (["--data.sequence", "mixed"], "0.9"),
    "data.context-order": ([], "grouped"),
    "data.query-exemplar": (IMAGES, "copy"),
    "data.p-relabel": ([], "0.5"),
    "data.label-noise": ([], "0.5"),
    "data.p-new": ([], "0.5"),
    "data.distinct-labels": (["--data.seq-len", "7"], None),
    "data.all-unique": (["--data.sequence", "random_zipfian"], None),
    "data.fs-labeling": (["--data.sequence", "fewshot_rare"], "novel"),
    "data.heldout-label-sets": (["--data.sequence", "fewshot_rare", "--data.fs-labeling", "novel"], "4"),
    "data.labeling-common": ([*OWN_LABELS, *COMMON, "--data.labeling-rare", "unfixed"], "original"),
    "data.labeling-rare": ([*OWN_LABELS, *COMMON], "ordered_polysemy3"),
    "data.protocol": (
        ["--data.n-rare-classes", "0", "--data.n-common-classes", "10", "--data.p-bursty", "1"],
        "released",
    ),
    "model.embedder": ([], "linear"),
    "model.embedder-config.flatten-superpixels": (
        [*IMAGES, "--model.embedder", "resnet", "--model.emb-dim", "64"],
        None,
    ),
    "model.sequence-model": (["--model.num-heads", "None"], "lstm"),
    "model.sequence-model-config.norm": ([], "post"),
    "model.sequence-model-config.mlp-layers": ([], None),
    "model.sequence-model-config.positions": ([], "rotary"),
    "model.sequence-model-config.num-positions": (["--model.sequence-model-config.positions", "relative"], "3"),
    "model.emb-dim": ([], "32"),
    "model.num-layers": ([], "2"),
    "model.num-heads": ([], "4"),
    "model.hidden-size": (LSTM, "24"),
    "model.dropout-prob": ([], "0.3"),
    "model.example-dropout-prob": ([], "0.3"),
    "model.positional-dropout-prob": ([], "0.3"),
    "model.use-positional-encodings": ([], "no"),
    "model.concatenate-labels": ([], None),
    "model.fixed-labels": ([], None),
    "optim.optimizer": ([], "adamw"),
    "optim.weight-decay": (SGD, "0.5"),
    "optim.l2": ([], "0.1"),
    "optim.max-lr": ([], "0.01"),
    "optim.schedule": (["--optim.warmup-steps", "1"], "constant"),
    "optim.warmup-steps": ([], "3"),
    "optim.schedule-steps": (COSINE, "10"),
    "optim.final-lr": (COSINE, "0.0005"),
    "optim.momentum": (SGD, "0.9"),
    "optim.nesterov": (MOMENTUM, None),
    "optim.b1": ([], "0.5"),
    "optim.b2": ([], "0.5"),
    "model.interventions": ([], "blocks.0.mlp:ablate"),
    "optim.eps": ([], "0.1"),
    "optim.clip-norm": (["--optim.eps", "0.1"], "0.01"),
    "optim.w-interim-predictions": ([], "0.5"),
    "train.max-steps": ([], "5"),
    "train.batch-size": ([], "8"),
    "train.precision": ([], "bf16"),
    "train.engine": ([], "compiled"),
    "train.device": ([], "cuda:99"),
    "train.threads": ([], "2"),
    "train.log-interval": ([], "1"),
    "train.checkpoint-interval": ([], "1"),
    "train.checkpoint-steps": ([], "3"),
    "train.log-spaced-checkpoint-steps": ([], "3"),
    "train.init-from": ([], "{weights}"),
    "train.tracker": ([], "following"),
    "train.tracker-config.file": (["--train.tracker", "following"], "other"),
    "eval.interval": ([], "1"),
    "eval.steps": ([], "3"),
    "eval.log-spaced-steps": ([], "3"),
    "eval.batches": ([], "2"),
    "eval.protocol": (["--data.n-holdout-classes", "2"], "released"),
    "eval.exemplars": (IMAGES, "0:10"),
    "eval.context-order": ([], "query_last"),
    "eval.query-exemplar": (IMAGES, "copy"),
    "eval.evaluations": ([], "flip"),
    "seeds.split": ([], "1"),
    "seeds.init": ([], "1"),
    "seeds.data": ([], "1"),
}


def dotted(config_type, prefix=""):
    """Names of all options of a configuration."""
    for field in dataclasses.fields(config_type):
        name = f"{prefix}{field.name.replace('_', '-')}"
        value = getattr(smoke(), field.name) if not prefix else None
        if dataclasses.is_dataclass(value):
            yield from dotted(type(value), f"{name}.")
        elif not field.name.endswith("_config") and name != "preset":
            yield name


def test_every_option_is_tried_below():
    tried = {name for name in EFFECTS if "-config." not in name}
    assert tried == set(dotted(RunConfig))


def test_every_setting_of_a_model_is_an_option_or_comes_from_the_data():
    from_data = {"num_classes", "example_kind", "example_shape", "num_ids"}
    settings = {field.name for field in dataclasses.fields(ModelConfig)} - from_data
    assert settings == {field.name for field in dataclasses.fields(type(smoke().model))} - {"interventions"}


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    root = tmp_path_factory.mktemp("omniglot")
    assert _main(["run", "smoke", "--root", str(root), "--name", "weights", *SHORT, "--seeds.init", "9"]) == 0
    return {
        "omniglot": str(tiny_omniglot.write_omniglot(root / "one", characters=(24, 10))),
        "weights": str(root / "weights"),
        "other": str(tiny_omniglot.write_omniglot(root / "other", characters=(30, 10))),
    }


FOLLOWING = """
from dataclasses import dataclass
from icl_models import ComponentConfig, TrackerSpec, hookimpl

@dataclass(frozen=True, kw_only=True)
class FollowingConfig(ComponentConfig):
    file: str = "followed"

class Following:
    def __init__(self, folder, settings, own):
        self.file = folder / own.file

    def start(self, from_step):
        self.file.touch()

    def log(self, records):
        pass

    def finish(self, outcome, reason):
        pass

@hookimpl
def icl_register_trackers():
    return [TrackerSpec(name="following", build=Following, config=FollowingConfig)]
"""


def digest(tensors):
    """A hash of the numbers alone: the file holds the model's settings, too."""
    everything = b"".join(name.encode() + tensor.numpy().tobytes() for name, tensor in sorted(tensors.items()))
    return hashlib.sha256(everything).hexdigest()


def outcome(root, args, folders):
    """What a run leaves behind, but for its clock, name and settings."""
    args = [arg.format(**folders) for arg in args]
    assert _main(["run", "smoke", "--root", str(root), "--name", "run", *SHORT, *args]) == 0
    run = root / "run"
    records = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    for record in records:
        for name in ("sequences_per_second", "crc32"):  # the clock, and the checksum that it is in
            record.pop(name, None)
    weights = {path.parent.name: digest(load_file(path)) for path in run.rglob("model.safetensors")}
    files = sorted(path.name for path in run.iterdir())
    return records, (run / "classes.json").read_text(), weights, files, torch.get_num_threads()


@pytest.mark.parametrize("option", EFFECTS)
def test_the_option_changes_what_a_run_leaves_behind(option, tmp_path, folders, capsys, monkeypatch, plugins):
    plugins.install("following", FOLLOWING)
    monkeypatch.setenv("ICL_CACHE", str(tmp_path / "cache"))
    context, value = EFFECTS[option]
    flag = [f"--{option}"] if value is None else [f"--{option}", value]
    if value == "no":
        prefix, _, name = option.rpartition(".")
        flag = [f"--{prefix}.no-{name}"]
    if option == "train.device":
        with pytest.raises(ValueError, match="device must be one that this machine has"):
            outcome(tmp_path / "changed", flag, folders)
        return
    if option == "optim.optimizer":  # without decay AdamW is Adam, with it Adam is refused
        flag += ["--weight-decay", "0.5"]
    assert outcome(tmp_path / "changed", [*context, *flag], folders) != outcome(tmp_path / "as_is", context, folders)


def test_the_same_run_twice_leaves_the_same_behind(tmp_path, folders, capsys):
    assert outcome(tmp_path / "one", [], folders) == outcome(tmp_path / "two", [], folders)
