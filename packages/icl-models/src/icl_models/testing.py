"""A conformance suite for plugins. Subclass one of the four classes in a test file, name your component, run pytest:

    from icl_models import ModelConfig
    from icl_models.testing import SequenceModelConformance

    class TestMine(SequenceModelConformance):
        config = ModelConfig(..., sequence_model="mine")

Choose small sizes: every test builds the model anew. Experiments have a longer suite in icl-train's module `testing`,
which also looks whether they can be run.
"""

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor

from icl_models._config import ModelConfig
from icl_models._contract.component import ComponentConfig
from icl_models._contract.experiment import ExperimentSpec
from icl_models._contract.tracker import Outcome
from icl_models._model import InContextModel, build_model
from icl_models._plugins.registry import find_experiment, find_tracker

__all__ = ["EmbedderConformance", "ExperimentConformance", "SequenceModelConformance", "TrackerConformance"]


class _Conformance:
    """What every component must satisfy, inside a whole model."""

    config: ClassVar[ModelConfig]
    batch_size: ClassVar[int] = 4
    seq_len: ClassVar[int] = 5

    def build(self, seed: int = 0) -> InContextModel:
        """The model under test."""
        return build_model(self.config, seed=seed)

    def batch(self, seed: int = 0) -> tuple[Tensor, Tensor]:
        """Random examples (B, S, *example_shape) and labels (B, S) that suit `config`."""
        generator = torch.Generator().manual_seed(seed)
        leading = (self.batch_size, self.seq_len)
        labels = torch.randint(self.config.num_classes, leading, generator=generator)
        if self.config.example_kind == "id":
            return torch.randint(self.config.resolved_num_ids, leading, generator=generator), labels
        return torch.rand(*leading, *self.config.example_shape, generator=generator), labels

    def test_logits_are_finite(self) -> None:
        for model in (self.build(), self.build().eval()):
            assert _outputs(model, *self.batch()).isfinite().all()

    def test_one_seed_gives_one_model_and_another_seed_another(self) -> None:
        one, same, other = (self.build(seed).state_dict() for seed in (1, 1, 2))
        assert all(torch.equal(one[name], same[name]) for name in one)
        assert any(not torch.equal(one[name], other[name]) for name in one)

    def test_evaluation_gives_the_same_values_twice(self) -> None:
        model, batch = self.build().eval(), self.batch()
        _assert_same(_outputs(model, *batch, seed=1), _outputs(model, *batch, seed=2))

    def test_gradients_reach_every_parameter(self) -> None:
        model = self.build()
        # A scale that starts at zero hides what is behind it, so leave the initial values first.
        generator = torch.Generator().manual_seed(0)
        with torch.no_grad():
            for parameter in model.parameters():
                parameter.add_(torch.randn(parameter.shape, generator=generator), alpha=0.05)
        logits = _outputs(model, *self.batch())
        torch.autograd.backward(F.cross_entropy(logits.flatten(0, 1), logits.detach().argmin(-1).flatten()))
        silent = [name for name, p in model.named_parameters() if p.grad is None or not p.grad.abs().sum() > 0]
        assert not silent, f"no gradient reaches {', '.join(silent)}"

    def test_state_dict_restores_the_outputs(self) -> None:
        model, restored = self.build(1), self.build(2)
        batch = self.batch()
        _outputs(model, *batch)  # so that running averages have moved
        restored.load_state_dict(model.state_dict())
        _assert_same(_outputs(model.eval(), *batch), _outputs(restored.eval(), *batch))

    def test_the_dtype_of_the_weights_is_that_of_the_logits(self) -> None:
        examples, labels = self.batch()
        for dtype in (torch.float32, torch.float64):
            model = self.build().eval().to(dtype)
            logits = model(examples.to(dtype) if examples.is_floating_point() else examples, labels)
            assert logits.dtype == dtype

    def test_it_moves_to_another_device(self) -> None:
        device = torch.device("cuda" if torch.cuda.is_available() else "meta")
        model, batch = self.build().eval(), self.batch()
        before = _outputs(model, *batch)
        moved = _outputs(model.to(device), *[tensor.to(device) for tensor in batch])
        assert moved.device.type == device.type
        if device.type != "meta":  # which has no values
            torch.testing.assert_close(moved.cpu(), before, rtol=1e-3, atol=1e-4, equal_nan=True)

    def test_it_compiles_without_graph_breaks(self) -> None:
        torch.compiler.reset()
        batch = self.batch()
        for training in (False, True):
            model = self.build().train(training)
            # The backend that only traces needs no C++ compiler.
            compiled = torch.compile(copy.deepcopy(model), backend="eager", fullgraph=True)
            _assert_close(_outputs(compiled, *batch), _outputs(model, *batch))


class EmbedderConformance(_Conformance):
    """Set `config` to a model with the embedder under test."""

    def test_embeddings_have_the_shape_of_the_contract(self) -> None:
        model = self.build().eval()
        examples, _ = self.batch()
        assert _outputs(model.embed_examples, examples).shape == (self.batch_size, self.seq_len, self.config.emb_dim)
        # What squeezes dimensions of size 1 away shows here.
        assert _outputs(model.embed_examples, examples[:1, :1]).shape == (1, 1, self.config.emb_dim)

    def test_an_example_is_embedded_alike_wherever_it_stands(self) -> None:
        model = self.build().eval()
        examples, _ = self.batch()
        moved = _outputs(model.embed_examples, examples.flip(0, 1)).flip(0, 1)
        _assert_close(moved, _outputs(model.embed_examples, examples))

    def test_different_examples_are_embedded_differently(self) -> None:
        model = self.build().eval()
        first, second = (_outputs(model.embed_examples, self.batch(seed)[0]) for seed in (0, 1))
        assert not torch.allclose(first, second)


class SequenceModelConformance(_Conformance):
    """Set `config` to a model with the sequence model under test."""

    def test_features_have_the_shape_of_the_contract(self) -> None:
        module = self.build().eval().sequence_model
        for size in ((self.batch_size, 2 * self.seq_len - 1), (1, 1)):
            assert _outputs(module, torch.rand(*size, self.config.token_width)).shape == (*size, module.out_features)

    def test_no_output_depends_on_a_later_token(self) -> None:
        module = self.build().eval().sequence_model
        tokens = torch.randn(2, 9, self.config.token_width, generator=torch.Generator().manual_seed(0))
        before = _outputs(module, tokens)
        for t in range(1, 9):
            changed = tokens.clone()
            changed[:, t:] = changed[:, t:].flip(-1)
            after = _outputs(module, changed)
            _assert_close(after[:, :t], before[:, :t])
            assert not torch.allclose(after[:, t], before[:, t]), f"output {t} ignores its own token"

    def test_query_positions_are_the_last_of_all_positions(self) -> None:
        model, batch = self.build().eval(), self.batch()
        _assert_close(_outputs(model, *batch, "query"), _outputs(model, *batch)[:, -1])

    def test_an_earlier_label_changes_the_query(self) -> None:
        model = self.build().eval()
        examples, labels = self.batch()
        changed = labels.clone()
        changed[:, 0] = (changed[:, 0] + 1) % self.config.num_classes
        before, after = (_outputs(model, examples, labels)[:, -1] for labels in (labels, changed))
        assert not torch.equal(before, after)


class TrackerConformance:
    """Set `name` to the tracker under test, and `own` to its settings if the defaults would write outside the run."""

    name: ClassVar[str]
    own: ClassVar[ComponentConfig | None] = None

    def follow(
        self, folder: Path, *, from_step: int = 0, outcome: Outcome = "done", reason: str = ""
    ) -> list[dict[str, Any]]:
        """Tell a tracker of a whole training.

        Args:
            folder: folder of the run.
            from_step, outcome, reason: as a `Tracker` is told of them.

        Returns:
            The records as it leaves them.
        """
        spec = find_tracker(self.name)
        own = self.own or spec.config()
        spec.check(own)
        tracker = spec.build(folder, {"train": {"max_steps": 40}}, own)
        tracker.start(from_step)
        records = [self.records(step) for step in (from_step, from_step + 20)]
        for some in records:
            tracker.log(some)
        tracker.finish(outcome, reason)
        return [record for some in records for record in some]

    def records(self, step: int) -> list[dict[str, Any]]:
        """Lines of metrics.jsonl of one step; a value that was no number is None there."""
        return [
            {"split": "train", "step": step, "sequences": 16 * step, "loss": 2.5, "grad_l2": None},
            {
                "split": "eval_fewshot_holdout",
                "step": step,
                "sequences": 16 * step,
                "headline": "accuracy_closed",
                "accuracy_closed": 0.5,
                "n_sequences": 64,
            },
        ]

    def test_it_follows_a_run_to_its_end(self, tmp_path: Path) -> None:
        self.follow(tmp_path)

    def test_it_follows_a_run_that_is_interrupted_and_resumed(self, tmp_path: Path) -> None:
        self.follow(tmp_path, outcome="interrupted")
        self.follow(tmp_path, from_step=21, outcome="interrupted")

    def test_it_follows_a_run_that_fails(self, tmp_path: Path) -> None:
        self.follow(tmp_path, outcome="failed", reason="the loss must stay finite, got nan by step 20")

    def test_it_leaves_the_records_as_they_are(self, tmp_path: Path) -> None:
        assert self.follow(tmp_path, outcome="interrupted") == self.records(0) + self.records(20)


class ExperimentConformance:
    """Set `name` to the experiment under test."""

    name: ClassVar[str]

    def spec(self) -> ExperimentSpec:
        """The experiment under test."""
        return find_experiment(self.name)

    def test_it_says_in_a_line_each_where_it_is_from_and_what_it_tests(self) -> None:
        spec = self.spec()
        for said in (spec.paper, spec.section, spec.tests, *(claim.says for claim in spec.claims)):
            assert said.strip()
            assert "\n" not in said

    def test_each_axis_has_two_points_or_more(self) -> None:
        assert [axis.name for axis in self.spec().axes if len(axis.points) < 2] == []

    def test_no_two_axes_set_the_same(self) -> None:
        spec = self.spec()
        for scale in spec.scales:
            settings = [name for axis in spec.axes_at(scale) for name in axis.settings]
            assert len(settings) == len(set(settings))

    def test_settings_survive_json(self) -> None:
        spec = self.spec()
        given = [dict(scale.settings) for scale in spec.scales.values()]
        given += [dict(point.settings) for scale in spec.scales for axis in spec.axes_at(scale) for point in axis.known]
        assert json.loads(json.dumps(given)) == given

    def test_each_claim_holds_somewhere_or_says_why_not(self) -> None:
        assert [claim.says for claim in self.spec().claims if not claim.scales and not claim.tried] == []


def _outputs(module: Callable[..., Any], *inputs: Any, seed: int = 0) -> Tensor:
    """Of one forward pass, whatever it draws from torch's generator being drawn from `seed`."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        outputs: Tensor = module(*inputs)
    return outputs


def _assert_same(one: Tensor, other: Tensor) -> None:
    torch.testing.assert_close(one, other, rtol=0.0, atol=0.0, equal_nan=True)


def _assert_close(one: Tensor, other: Tensor) -> None:
    torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-5, equal_nan=True)
