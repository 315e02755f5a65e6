"""The recurrent layers compute their equations."""

import torch
from torch import nn

from icl_models import ModelConfig, build_model

CONFIG = ModelConfig(
    num_classes=5,
    example_kind="vector",
    example_shape=(4,),
    embedder="vector",
    emb_dim=6,
    sequence_model="gru",
    num_layers=2,
    hidden_size=7,
)


def test_a_gru_is_its_equations() -> None:
    layer = build_model(CONFIG, seed=0).sequence_model.layers[0]
    with torch.no_grad():
        for parameter in layer.parameters():  # the biases start at zero
            parameter.copy_(torch.randn(parameter.shape, generator=torch.Generator().manual_seed(1)))
    x = torch.randn(3, 5, 6, generator=torch.Generator().manual_seed(0))
    w_r, w_z, w_n = layer.input_weight.chunk(3)
    u_r, u_z, u_n = layer.hidden_weight.chunk(3)
    b_r, b_z, b_n = layer.input_bias.chunk(3)
    c_r, c_z, c_n = layer.hidden_bias.chunk(3)
    h = torch.zeros(3, 7)
    outputs = []
    for t in range(5):
        r = torch.sigmoid(x[:, t] @ w_r.T + b_r + h @ u_r.T + c_r)
        z = torch.sigmoid(x[:, t] @ w_z.T + b_z + h @ u_z.T + c_z)
        n = torch.tanh(x[:, t] @ w_n.T + b_n + r * (h @ u_n.T + c_n))
        h = (1 - z) * n + z * h
        outputs.append(h)
    torch.testing.assert_close(layer(x), torch.stack(outputs, 1), rtol=1e-5, atol=1e-6)


def test_stacked_grus_are_torchs_own() -> None:
    model = build_model(CONFIG, seed=0).sequence_model
    torchs = nn.GRU(6, 7, num_layers=2, batch_first=True)
    for i, layer in enumerate(model.layers):
        weights = {
            f"weight_ih_l{i}": layer.input_weight,
            f"weight_hh_l{i}": layer.hidden_weight,
            f"bias_ih_l{i}": layer.input_bias,
            f"bias_hh_l{i}": layer.hidden_bias,
        }
        torchs.load_state_dict(weights, strict=False)
    x = torch.randn(3, 5, 6, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(model(x), torchs(x)[0], rtol=1e-5, atol=1e-6)
