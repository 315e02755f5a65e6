"""The set-up of Singh et al. (2024): one exemplar of each class in training, others and other classes in tests."""

import io
from dataclasses import replace

import pytest
import torch
from oracles import ContextOracle, evaluate, make_task

from icl_train import EvalConfig, Evaluator, PlainReporter, RunFolder, Task, train
from icl_train.config import ModelSettings

FEATURES = """\
import numpy as np
from icl_data import ArraySource

def make():
    classes, exemplars = np.meshgrid(np.arange(150), np.arange(5), indexing="ij")
    return ArraySource(np.stack([classes, exemplars, exemplars * 0, exemplars * 0 + 1], -1).astype("float32"))
"""
SINGH_2024 = {
    "source": "features_of_classes:make",
    "dim": None,
    "noise_scale": None,
    "n_rare_classes": 50,
    "n_common_classes": 0,
    "n_holdout_classes": 100,
    "sequence": "fewshot_rare",
    "fs_shots": 1,
    "ways": 2,
    "fs_labeling": "novel",
    "n_labels": 5,
    "heldout_label_sets": 2,
    "train_exemplars": "0:1",
}
TESTS = ("novel_label_trained", "other:base=novel_label_trained,exemplars=1:5", "novel_label", "relabel")


@pytest.fixture
def singh_2024(tmp_path, monkeypatch):
    (tmp_path / "features_of_classes.py").write_text(FEATURES)
    monkeypatch.syspath_prepend(tmp_path)
    return make_task(**SINGH_2024)


def shown(examples):
    """Exemplars that features say."""
    return set(examples[..., 1].unique().tolist())


@pytest.mark.parametrize("query_exemplar", ["new", "copy"])
def test_one_exemplar_is_trained_on_and_the_others_are_tests(singh_2024, query_exemplar):
    config = singh_2024.config
    data = replace(config.data, query_exemplar=query_exemplar)
    task = Task.build(replace(config, data=data), device=torch.device("cpu"))
    for step in range(20):
        batch = task.training_sampler()(step)
        examples = task.bank(batch, seed=0, step=step)
        assert examples.shape == (16, 3, 4)
        assert shown(examples) == {0}
        query_is_of = (examples[:, :2, 0] == examples[:, 2:, 0]).sum(1)
        assert (query_is_of == 1).all()
    evaluator = Evaluator(task, batches=4, splits=TESTS)
    found = {contexts.asked[0].name: set((contexts.codes % 5).ravel()) for contexts in evaluator._contexts}
    assert found == {"novel_label_trained": {0}, "other": {1, 2, 3, 4}, "novel_label": {0}, "relabel": {0}}
    assert evaluator.classes()["novel_label"][0] != evaluator.classes()["other"][0]


def test_such_a_run_is_trained_and_measured_with_every_one_of_its_tests(singh_2024, tmp_path):
    config = singh_2024.config
    model = ModelSettings(embedder="vector", emb_dim=16, num_layers=2, num_heads=8)
    config = replace(config, model=model, eval=EvalConfig(batches=1, interval=20, evaluations=TESTS))
    run = RunFolder.create(tmp_path / "run", config, device="cpu", threads=1)
    train(run, PlainReporter(io.StringIO()))
    last = {record["split"]: record for record in run.records() if record["step"] == 40}
    assert {"eval_novel_label_trained", "eval_other", "eval_novel_label", "eval_relabel"} <= set(last)
    assert last["eval_relabel"]["chance"] == 0.5


def test_gaussian_items_without_noise_in_training_vary_in_an_evaluation_that_asks_for_it():
    task = make_task(noise_scale=0.0)
    batch = task.training_sampler()(0)
    examples, place = task.bank(batch, seed=0, step=0), torch.from_numpy(batch.class_index)
    same = examples[place == place[0, -1]]
    assert (same == same[0]).all()
    model = ContextOracle(task)
    evaluate(task, model, splits=("fewshot_own", "noisy:base=fewshot_own,noise=0.5"))
    (still, labels), *rest = model.asked
    noisy, again = map(torch.cat, zip(*rest, strict=True))
    assert torch.equal(labels, again)
    assert len(still.flatten(0, 1).unique(dim=0)) <= 64
    assert len(noisy.flatten(0, 1).unique(dim=0)) == noisy.shape[0] * noisy.shape[1]
    # (class + .5 eta) / sqrt(1.25), the class being what training shows.
    eta = (noisy * 1.25**0.5 - still) * 8**0.5 / 0.5
    assert (eta.mean().item(), eta.std().item()) == pytest.approx((0, 1), abs=0.06)
