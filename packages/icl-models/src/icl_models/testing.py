"""A conformance suite for plugins. Subclass one of the two in a test file, name your component, run pytest:

    from icl_models import ModelConfig
    from icl_models.testing import SequenceModelConformance

    class TestMine(SequenceModelConformance):
        config = ModelConfig(..., sequence_model="mine")

Choose small sizes: every test builds the model anew.
"""

from typing import ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor

from icl_models._config import ModelConfig
from icl_models._model import InContextModel, build_model

__all__ = ["EmbedderConformance", "SequenceModelConformance"]


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

    def test_logits_have_the_shape_and_dtype_of_the_contract(self) -> None:
        examples, labels = self.batch()
        model = self.build()
        tokens = self.seq_len if self.config.concatenate_labels else 2 * self.seq_len - 1
        logits = model(examples, labels)
        assert logits.shape == (self.batch_size, tokens, self.config.num_classes)
        assert logits.dtype == torch.float32
        assert model(examples, labels, "query").shape == (self.batch_size, self.config.num_classes)

    def test_logits_are_finite(self) -> None:
        assert self.build()(*self.batch()).isfinite().all()

    def test_one_seed_gives_one_model_and_another_seed_another(self) -> None:
        one, same, other = (self.build(seed).state_dict() for seed in (1, 1, 2))
        assert all(torch.equal(one[name], same[name]) for name in one)
        assert any(not torch.equal(one[name], other[name]) for name in one)

    def test_evaluation_gives_the_same_values_twice(self) -> None:
        model = self.build().eval()
        batch = self.batch()
        assert torch.equal(model(*batch), model(*batch))

    def test_gradients_reach_every_parameter(self) -> None:
        model = self.build()
        # A scale that starts at zero hides what is behind it, so leave the initial values first.
        generator = torch.Generator().manual_seed(0)
        with torch.no_grad():
            for parameter in model.parameters():
                parameter.add_(torch.randn(parameter.shape, generator=generator), alpha=0.05)
        examples, labels = self.batch()
        logits = model(examples, labels)
        torch.autograd.backward(F.cross_entropy(logits.flatten(0, 1), logits.detach().argmin(-1).flatten()))
        silent = [name for name, p in model.named_parameters() if p.grad is None or not p.grad.abs().sum() > 0]
        assert not silent, f"no gradient reaches {', '.join(silent)}"

    def test_state_dict_restores_the_outputs(self) -> None:
        model, restored = self.build(1), self.build(2)
        batch = self.batch()
        model(*batch)  # so that running averages have moved
        restored.load_state_dict(model.state_dict())
        assert torch.equal(model.eval()(*batch), restored.eval()(*batch))


class EmbedderConformance(_Conformance):
    """Set `config` to a model with the embedder under test."""

    def test_embeddings_have_the_shape_of_the_contract(self) -> None:
        embedded = self.build().embed_examples(self.batch()[0])
        assert embedded.shape == (self.batch_size, self.seq_len, self.config.emb_dim)

    def test_an_example_is_embedded_alike_wherever_it_stands(self) -> None:
        model = self.build().eval()
        examples, _ = self.batch()
        moved = model.embed_examples(examples.flip(0, 1)).flip(0, 1)
        torch.testing.assert_close(moved, model.embed_examples(examples), rtol=1e-4, atol=1e-5)

    def test_different_examples_are_embedded_differently(self) -> None:
        model = self.build().eval()
        first, second = (model.embed_examples(self.batch(seed)[0]) for seed in (0, 1))
        assert not torch.allclose(first, second)


class SequenceModelConformance(_Conformance):
    """Set `config` to a model with the sequence model under test."""

    def test_no_output_depends_on_a_later_token(self) -> None:
        module = self.build().eval().sequence_model
        tokens = torch.randn(2, 9, self.config.token_width, generator=torch.Generator().manual_seed(0))
        before = module(tokens)
        for t in range(1, 9):
            changed = tokens.clone()
            changed[:, t:] = changed[:, t:].flip(-1)
            after = module(changed)
            torch.testing.assert_close(after[:, :t], before[:, :t], rtol=1e-4, atol=1e-5)
            assert not torch.allclose(after[:, t], before[:, t]), f"output {t} ignores its own token"

    def test_query_positions_are_the_last_of_all_positions(self) -> None:
        model = self.build().eval()
        examples, labels = self.batch()
        last = model(examples, labels)[:, -1]
        torch.testing.assert_close(model(examples, labels, "query"), last, rtol=1e-4, atol=1e-5)

    def test_an_earlier_label_changes_the_query(self) -> None:
        model = self.build().eval()
        examples, labels = self.batch()
        changed = labels.clone()
        changed[:, 0] = (changed[:, 0] + 1) % self.config.num_classes
        assert not torch.equal(model(examples, labels, "query"), model(examples, changed, "query"))
