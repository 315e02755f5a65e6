"""A few updates of a run, timed by the loop that trains it."""

import os
import signal
from dataclasses import replace

import numpy as np
import pytest

from icl_train import Task, chan2022, resolve_device
from icl_train._profile.stand_in import without_files
from icl_train._profile.trial import time_runs


def test_every_piece_of_a_run_is_measured(short):
    times = time_runs([short()], device="cpu", threads=1, seconds=0.05)
    assert min(times.update, times.evaluation, times.checkpoint) > 0
    assert times.start >= 0


def test_it_ends_long_before_a_long_run(short):
    assert time_runs([short(train={"max_steps": 2**31 - 1})], device="cpu", threads=1, seconds=0.05).update > 0


def test_a_run_of_one_update_can_be_timed(short):
    assert time_runs([short(train={"max_steps": 1})], device="cpu", threads=1, seconds=0.05).update > 0


def test_runs_of_an_ensemble_are_timed_together(short):
    one = short(train={"engine": "ensemble", "max_steps": 20})
    other = replace(one, seeds=replace(one.seeds, init=1))
    times = time_runs([one, other], device="cpu", threads=1, seconds=0.05)
    assert min(times.update, times.evaluation, times.checkpoint) > 0


def test_a_large_evaluation_is_measured_in_part(short):
    config = short(eval={"batches": 1000})
    assert time_runs([config], device="cpu", threads=1, seconds=0.05, sequences=16).evaluation > 0


def test_the_folder_that_it_trains_in_is_removed(short, tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    time_runs([short()], device="cpu", threads=1, seconds=0.05)
    assert list(tmp_path.iterdir()) == []


def test_sigterm_before_the_first_update_leaves_no_folder(short, tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setattr("icl_train._profile.trial._train", lambda runs, stopwatch: os.kill(os.getpid(), signal.SIGTERM))
    with pytest.raises(KeyboardInterrupt):
        time_runs([short()], device="cpu", threads=1, seconds=0.05)
    assert list(tmp_path.iterdir()) == []
    assert signal.getsignal(signal.SIGTERM) == signal.SIG_DFL


@pytest.mark.parametrize("exemplars", ["all", "separated"])
def test_in_place_of_omniglot_there_are_images_of_its_size(exemplars, monkeypatch, tmp_path, short):
    monkeypatch.setenv("ICL_OMNIGLOT", str(tmp_path))
    monkeypatch.setenv("ICL_CACHE", str(tmp_path))
    base = chan2022()
    config = without_files(short(data={**vars(base.data), "exemplars": exemplars}, model=vars(base.model)))
    task = Task.build(config, device=resolve_device("cpu"))
    images = task.bank(task.training_sampler()(1), seed=0, step=1)
    assert images.shape[-3:] == (105, 105, 1)
    assert set(np.unique(images)) == {0.0, 1.0}
    assert list(tmp_path.iterdir()) == []


def test_other_sources_are_left_as_they_are(short):
    assert without_files(short()) == short()
