"""What a profile holds, and that it changes nothing."""

from dataclasses import replace

import pytest
import torch
from intervened import run_config, trained

from icl_train import Task, resolve_device
from icl_train._estimate.work import Times, Work
from icl_train._making.others import copied_name, find_other, others_of, with_copies_in
from icl_train._profile import profile as module
from icl_train._profile.memory import Memory
from icl_train._profile.parts import PARTS, measure_update
from icl_train._profile.profile import at_its_busiest, measure
from icl_train._runs.folder import RunFolder

CPU = torch.device("cpu")


@pytest.fixture
def quick(monkeypatch):
    """The whole run is not timed: an update takes 2 seconds, an evaluation 5."""
    monkeypatch.setattr(module, "time_runs", lambda configs, **how: Times(update=2.0, evaluation=5.0))


def test_every_part_of_an_update_is_measured(short):
    update = measure_update(short(), CPU, threads=1, steps=2)
    assert tuple(update.parts) == PARTS
    assert min(update.parts.values()) > 0


def test_memory_is_that_of_the_model_and_its_optimiser(short):
    memory = measure_update(short(), CPU, threads=1, steps=1).memory
    model = Task.build(short(), device=resolve_device("cpu")).build_model()
    numbers = sum(one.numel() for one in model.parameters())
    assert memory.parameters == memory.gradients == 4 * numbers
    assert 2 * 4 * numbers <= memory.optimizer <= 2 * 4 * numbers + 4 * len(list(model.parameters()))
    assert memory.activations > 0
    assert memory.peak > memory.parameters


def test_activations_grow_with_the_batch_and_parameters_do_not(short):
    few, many = (measure_update(short(train={"batch_size": n}), CPU, threads=1, steps=1).memory for n in (8, 32))
    assert many.parameters == few.parameters
    assert many.activations > 3 * few.activations


def test_what_is_moved_is_each_tensor_as_often_as_it_is_read_or_written():
    memory = Memory(parameters=1000, gradients=100, optimizer=10, activations=1, peak=None)
    assert memory.moved == 4 * 1000 + 2 * 100 + 2 * 10 + 2 * 1


def test_threads_and_random_numbers_are_as_before(short):
    threads = torch.get_num_threads()
    torch.manual_seed(1)
    expected = torch.rand(3)
    torch.manual_seed(1)
    measure_update(short(), CPU, threads=2, steps=1)
    assert torch.equal(torch.rand(3), expected)
    assert torch.get_num_threads() == threads


def test_the_whole_run_is_its_pieces_times_what_they_take(quick, short):
    config = short(train={"max_steps": 100, "device": "cpu"}, eval={"batches": 1, "interval": 50})
    found = measure(config, threads=1, steps=1)
    assert found.work == Work.left_of(config)
    assert found.seconds == 100 * 2.0 + 3 * 5.0
    assert found.operations_per_second == found.update.operations / 2.0
    assert found.bytes_per_second == found.update.memory.moved / 2.0


def test_ceilings_are_above_what_a_small_model_reaches(quick, short):
    found = measure(short(train={"device": "cpu"}), threads=1, steps=1)
    assert found.ceilings.operations > found.operations_per_second
    assert found.ceilings.bytes > found.bytes_per_second


def test_interventions_act_while_a_run_is_profiled():
    plain, held = (
        measure_update(run_config(*texts), CPU, threads=1, steps=1)
        for texts in ((), ("blocks.0.attention.weights:pattern=previous",))
    )
    kinds = [{one.operation for one in update.products} for update in (plain, held)]
    assert kinds[0] != kinds[1]  # the fused attention gives way to one whose pattern can be set


def test_interventions_count_where_most_of_them_act():
    config = run_config("blocks.0.mlp:mean,stop=5", "blocks.1.mlp:mean,start=10", "blocks.0.attention:ablate,start=12")
    assert at_its_busiest(config).model.interventions == ("blocks.1.mlp:mean", "blocks.0.attention:ablate")
    assert at_its_busiest(run_config()) == run_config()


def test_a_run_that_is_held_to_another_needs_its_own_copy_alone(tmp_path):
    other = trained(tmp_path / "other", run_config(seeds={"init": 7}))
    config = run_config(f"blocks.0.mlp:run={other.path}")
    run = RunFolder.create(tmp_path / "run", config, device="cpu", threads=1)
    (named,) = others_of(run.config.model.intervened)
    other.path.rename(tmp_path / "gone")
    moved = with_copies_in(run.path, run.config)
    assert find_other(others_of(moved.model.intervened)[0]) == run.path / copied_name(named)
    measure_update(moved, CPU, threads=1, steps=1)


def test_without_copies_a_configuration_stays_as_it_is(tmp_path):
    config = run_config("blocks.0.mlp:mean")
    assert with_copies_in(tmp_path, config) == config == replace(config)
