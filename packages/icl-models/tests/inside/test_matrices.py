"""The matrices of heads are those that the forward pass multiplies by."""

import pytest
import torch

from icl_models import ModelConfig, TransformerConfig, build_model, capture, final_norm, head_matrices


def model(**changes):
    settings = {"num_classes": 5, "example_kind": "vector", "example_shape": (6,), "embedder": "vector", "emb_dim": 16}
    return build_model(ModelConfig(**(settings | {"num_layers": 2, "num_heads": 2} | changes)), seed=0)


@pytest.mark.parametrize("norm", ["pre", "post"])
def test_matrices_make_what_each_head_adds(norm):
    transformer = model(sequence_model_config=TransformerConfig(norm=norm))
    for parameter in transformer.parameters():
        torch.nn.init.normal_(parameter, generator=torch.Generator().manual_seed(1))
    with capture(transformer) as trace, torch.no_grad():
        transformer(torch.randn(3, 4, 6), torch.randint(5, (3, 4)))
    for layer, (name, own) in enumerate(head_matrices(transformer).items()):
        stream = trace[f"blocks.{layer}.residual_pre"]
        read = stream if own.norm is None else own.norm(stream)
        values = torch.einsum("btw,hdw->bhtd", read, own.values) + own.values_bias[:, None]
        heads = torch.einsum("bhqt,bhtd,hwd->bhqw", trace[f"{name}.weights"], values, own.out)
        torch.testing.assert_close(heads, trace[f"{name}.heads"])
        torch.testing.assert_close(heads.sum(1) + own.out_bias, trace[name])
        scores = torch.einsum("hdw,hdv->hwv", own.queries, own.keys)
        assert scores.shape == (2, 16, 16)


def test_the_gain_is_the_norm_without_its_scale_and_bias():
    own = head_matrices(model())["blocks.0.attention"]
    torch.nn.init.normal_(own.norm.weight)
    stream = torch.randn(7, 16)
    expected = (own.norm(stream) - own.norm.bias) * (stream.var(1, unbiased=False) + own.norm.eps).sqrt()[:, None]
    torch.testing.assert_close(stream @ own.gain.T, expected.detach())


def test_only_a_pre_norm_transformer_has_one_norm_before_its_readout():
    assert final_norm(model()) is not None
    assert final_norm(model(sequence_model_config=TransformerConfig(norm="post"))) is None
    recurrent = model(sequence_model="lstm", num_heads=None, use_positional_encodings=False)
    assert (final_norm(recurrent), head_matrices(recurrent)) == (None, {})
