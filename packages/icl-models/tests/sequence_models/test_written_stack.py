"""The blocks written out as one step of autograd: their values are those of the blocks, and nobody is left out."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext, suppress
from functools import partial
from typing import Any

import pytest
import torch
from small_models import build_lopsided, ids_and_labels
from torch import Tensor, nn
from torch.func import functional_call, vmap
from torch.nn.parameter import Parameter
from torch.utils.flop_counter import FlopCounterMode

from icl_models import InContextModel, TransformerConfig, capture
from icl_models._sequence_models import transformer
from icl_models._sequence_models.written.gelu import gelu_with_slope
from icl_models._sequence_models.written.products import affine, weight_gradient
from icl_models._sequence_models.written.stack import Stack, WrittenStack

ATTENTION_ONLY, MIXED = TransformerConfig(mlp_layers=()), TransformerConfig(mlp_layers=(1,))


@pytest.fixture
def taken(monkeypatch: pytest.MonkeyPatch) -> list[Stack]:
    """The stacks that were passed, written out, since the test began."""
    stacks: list[Stack] = []

    class Noted:
        @staticmethod
        def apply(x: Tensor, stack: Stack, *weights: Tensor) -> Any:
            stacks.append(stack)
            return WrittenStack.apply(x, stack, *weights)  # type: ignore[no-untyped-call]

    monkeypatch.setattr(transformer, "WrittenStack", Noted)
    return stacks


def gradients(model: InContextModel, positions: Any, seq_len: int) -> tuple[Tensor, dict[str, Tensor]]:
    model.zero_grad()
    logits = model(*ids_and_labels(seq_len=seq_len), positions)
    torch.autograd.backward((logits * torch.linspace(-1, 1, logits.numel()).view_as(logits)).sum())
    return logits.detach(), {name: p.grad for name, p in model.named_parameters() if p.grad is not None}


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("own", [None, ATTENTION_ONLY, MIXED], ids=["all", "attention only", "mixed"])
@pytest.mark.parametrize("positions", ["all", "query"])
@pytest.mark.parametrize("seq_len", [1, 3, 9])
def test_values_and_gradients_are_those_of_the_blocks(
    seq_len: int, positions: str, own: TransformerConfig | None, threads: int, taken: list[Stack]
) -> None:
    model, before = build_lopsided(own), torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        found, of_found = gradients(model, positions, seq_len)
        assert taken
        with capture(model, "*.residual_pre"):
            expected, of_expected = gradients(model, positions, seq_len)
        assert len(taken) == 1
    finally:
        torch.set_num_threads(before)
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-5)
    assert of_found.keys() == of_expected.keys()
    for name, gradient in of_expected.items():
        torch.testing.assert_close(of_found[name], gradient, rtol=1e-3, atol=1e-4)


def stack_inputs(seq_len: int, *, has_mlp: bool) -> tuple[Tensor, list[Tensor]]:
    """float64 tokens (2, T, 6), and the weights of two blocks."""
    generator = torch.Generator().manual_seed(seq_len)
    draw = partial(torch.randn, generator=generator, dtype=torch.float64)
    attention, mlp = [(6,), (6,), (18, 6), (18,), (6, 6), (6,)], [(6,), (6,), (24, 6), (24,), (6, 24), (6,)]
    shapes = [*attention, *(mlp if has_mlp else []), *attention]
    x, *weights = [draw(shape).mul_(0.5).requires_grad_() for shape in ((2, seq_len, 6), *shapes)]
    return x, weights


@pytest.mark.parametrize("has_mlp", [True, False])
@pytest.mark.parametrize("query_only", [True, False])
@pytest.mark.parametrize("seq_len", [1, 3, 17])
def test_gradients_are_those_of_differences(seq_len: int, query_only: bool, has_mlp: bool) -> None:
    x, weights = stack_inputs(seq_len, has_mlp=has_mlp)
    stack = Stack(num_heads=2, eps=1e-5, have_mlp=(has_mlp, False), query_only=query_only)
    assert torch.autograd.gradcheck(
        lambda *given: WrittenStack.apply(given[0], stack, *given[1:]),  # type: ignore[no-untyped-call]
        (x, *weights),
        fast_mode=True,
    )


@pytest.mark.parametrize("query_only", [True, False])
def test_gradients_have_gradients(query_only: bool) -> None:
    x, weights = stack_inputs(3, has_mlp=True)
    stack = Stack(num_heads=2, eps=1e-5, have_mlp=(True, False), query_only=query_only)
    assert torch.autograd.gradgradcheck(
        lambda *given: WrittenStack.apply(given[0], stack, *given[1:]),  # type: ignore[no-untyped-call]
        (x, *weights),
        fast_mode=True,
    )


def test_a_second_way_back_needs_a_kept_graph() -> None:
    loss = build_lopsided()(*ids_and_labels()).sum()
    torch.autograd.backward(loss, retain_graph=True)
    torch.autograd.backward(loss)
    with pytest.raises(RuntimeError, match="second time"):
        torch.autograd.backward(loss)


def test_weights_that_changed_on_the_way_are_noticed() -> None:
    model = build_lopsided()
    loss = model(*ids_and_labels()).sum()
    with torch.no_grad():
        next(model.sequence_model.parameters()).add_(1.0)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        torch.autograd.backward(loss)


def of_all_weights(model: InContextModel, weights: dict[str, Tensor]) -> Tensor:
    logits: Tensor = functional_call(model, weights, ids_and_labels())
    return logits


def under_vmap(model: InContextModel) -> None:
    weights = {name: torch.stack([p.detach()] * 2) for name, p in model.named_parameters()}
    vmap(partial(of_all_weights, model), randomness="same")(weights)


def in_forward_mode(model: InContextModel) -> None:
    weights = {name: p.detach() for name, p in model.named_parameters()}
    with suppress(NotImplementedError):  # which attention's fused kernel does not know
        torch.func.jvp(partial(of_all_weights, model), (weights,), (weights,))


def with_hook(model: InContextModel) -> None:
    model.sequence_model.blocks[1].mlp_in.register_forward_hook(lambda *_: None)  # type: ignore[union-attr,index]
    model(*ids_and_labels())


def with_a_part_of_ones_own(model: InContextModel) -> None:
    class Own(nn.Linear):
        pass

    model.sequence_model.blocks[0].mlp_in = Own(16, 64)  # type: ignore[union-attr,index]
    model(*ids_and_labels())


def with_other_weights(model: InContextModel) -> None:
    nn.utils.parametrize.register_parametrization(
        model.sequence_model.blocks[0].mlp_in,  # type: ignore[union-attr,index]
        "weight",
        nn.Identity(),
    )
    model(*ids_and_labels())


def passed_in(context: Callable[[], AbstractContextManager[Any]], model: InContextModel) -> None:
    with context():
        model(*ids_and_labels())


@pytest.fixture
def hook_on_all_modules() -> Iterator[None]:
    handle = nn.modules.module.register_module_forward_hook(lambda *_: None)
    yield
    handle.remove()


@pytest.mark.filterwarnings("ignore:There is a performance drop", "ignore:.*torch.jit.script")
@pytest.mark.parametrize(
    "passing",
    [
        under_vmap,
        in_forward_mode,
        with_hook,
        with_a_part_of_ones_own,
        with_other_weights,
        partial(passed_in, partial(torch.autocast, "cpu", dtype=torch.bfloat16)),
        partial(passed_in, partial(FlopCounterMode, display=False)),
        partial(passed_in, partial(torch.autograd.graph.saved_tensors_hooks, lambda t: t, lambda t: t)),
        lambda model: model.double()(*ids_and_labels()),
        lambda model: model(*ids_and_labels(seq_len=40)),
    ],
    ids=["vmap", "jvp", "hook", "own", "parametrized", "autocast", "operations", "saved", "float64", "long"],
)
def test_the_blocks_are_called_where_anybody_has_to_see_them(
    passing: Callable[[InContextModel], None], taken: list[Stack]
) -> None:
    passing(build_lopsided())
    assert not taken


def test_the_blocks_are_called_for_a_hook_on_all_modules(hook_on_all_modules: None, taken: list[Stack]) -> None:
    build_lopsided()(*ids_and_labels())
    assert not taken


@pytest.mark.parametrize(
    "own",
    [TransformerConfig(norm="post"), TransformerConfig(positions="relative"), TransformerConfig(positions="rotary")],
    ids=["post", "relative", "rotary"],
)
def test_the_blocks_are_called_where_they_are_others(own: TransformerConfig, taken: list[Stack]) -> None:
    build_lopsided(own)(*ids_and_labels())
    assert not taken


def test_the_blocks_are_called_for_dropout_in_training_alone(taken: list[Stack]) -> None:
    model = build_lopsided(dropout_prob=0.5)
    model(*ids_and_labels())
    assert not taken
    model.eval()(*ids_and_labels())
    assert len(taken) == 1


@pytest.mark.parametrize("context", [nullcontext, torch.no_grad, torch.inference_mode])
def test_evaluation_is_written_out_too(context: Callable[[], AbstractContextManager[Any]], taken: list[Stack]) -> None:
    model = build_lopsided(TransformerConfig(positions="learned"), concatenate_labels=True)
    passed_in(context, model)
    assert taken


def test_frozen_weights_stay_without_gradients(taken: list[Stack]) -> None:
    model = build_lopsided()
    frozen = model.sequence_model.blocks[0].mlp_in.weight  # type: ignore[union-attr,index]
    assert isinstance(frozen, Parameter)
    frozen.requires_grad_(False)
    _, found = gradients(model, "query", 5)
    assert taken
    assert frozen.grad is None
    assert len(found) == len(list(model.parameters())) - 1


def test_gelu_and_its_slope_are_torchs() -> None:
    x = torch.linspace(-30, 30, 4001, dtype=torch.float64)
    of_ones = torch.ops.aten.gelu_backward(torch.ones_like(x), x, approximate="tanh")
    expected = nn.functional.gelu(x, approximate="tanh")
    value, slope = gelu_with_slope(x.float())
    torch.testing.assert_close(value.double(), expected, rtol=1e-5, atol=1e-6)
    torch.testing.assert_close(slope.double(), of_ones, rtol=1e-5, atol=2e-6)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize(("rows", "inside", "out"), [(1, 4, 3), (34, 16, 48), (85, 64, 16)])
def test_products_are_those_of_rows(rows: int, inside: int, out: int, dtype: torch.dtype) -> None:
    x, weight, bias, gradient = (
        torch.randn(s, dtype=dtype) for s in ((rows, inside), (out, inside), (out,), (rows, out))
    )
    torch.testing.assert_close(affine(x, weight, bias), x @ weight.T + bias, rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(affine(gradient, weight.t()), gradient @ weight, rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(weight_gradient(x, gradient), gradient.T @ x, rtol=1e-4, atol=1e-4)
