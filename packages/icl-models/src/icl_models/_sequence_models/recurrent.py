"""The recurrent baselines (Chan et al. 2022, section 3.4) and the GRU: plainly stacked layers from a zero state."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from icl_models._contract.component import Positions
from icl_models._contract.facts import ModelFacts
from icl_models._initialize import truncated_normal_
from icl_models._sequence_models.settings import GRUConfig, LSTMConfig, VanillaRNNConfig


class VanillaRNNLayer(nn.Module):
    """h = ReLU(W_x x + b + W_h h + b'): (B, T, in_features) to (B, T, hidden_size)."""

    def __init__(self, in_features: int, hidden_size: int) -> None:
        super().__init__()
        self.hidden_size = hidden_size
        self.input_weight = nn.Parameter(torch.empty(hidden_size, in_features))
        self.input_bias = nn.Parameter(torch.zeros(hidden_size))
        self.hidden_weight = nn.Parameter(torch.empty(hidden_size, hidden_size))
        self.hidden_bias = nn.Parameter(torch.zeros(hidden_size))
        truncated_normal_(self.input_weight, in_features**-0.5)
        truncated_normal_(self.hidden_weight, hidden_size**-0.5)

    def forward(self, x: Tensor) -> Tensor:
        h = x.new_zeros(1, x.shape[0], self.hidden_size)
        weights: list[Tensor] = [self.input_weight, self.hidden_weight, self.input_bias, self.hidden_bias]
        outputs: Tensor = torch.rnn_relu(x, h, weights, True, 1, 0.0, self.training, False, True)[0]
        return outputs


class LSTMLayer(nn.Module):
    """Long short-term memory with +1 on the forget gate: (B, T, in_features) to (B, T, hidden_size).

    The rows of the weights are the gates i, f, g, o, one after the other.
    """

    forget_offset: Tensor

    def __init__(self, in_features: int, hidden_size: int) -> None:
        super().__init__()
        self.hidden_size = hidden_size
        self.input_weight = nn.Parameter(torch.empty(4 * hidden_size, in_features))
        self.hidden_weight = nn.Parameter(torch.empty(4 * hidden_size, hidden_size))
        self.bias = nn.Parameter(torch.zeros(4 * hidden_size))
        # A constant in place of torch's second bias, so that weight decay pulls the gate towards open, not half open.
        offset = torch.zeros(4 * hidden_size)
        offset[hidden_size : 2 * hidden_size] = 1.0
        self.register_buffer("forget_offset", offset, persistent=False)
        # One weight of [x, h] in the released model, hence the common fan-in.
        stddev = (in_features + hidden_size) ** -0.5
        truncated_normal_(self.input_weight, stddev)
        truncated_normal_(self.hidden_weight, stddev)

    def forward(self, x: Tensor) -> Tensor:
        is_low = x.device.type == "cpu" and torch.is_autocast_enabled("cpu")
        if is_low and not _has_lstm(torch.get_autocast_dtype("cpu")):
            with torch.autocast("cpu", enabled=False):
                return self._outputs(x.float())
        return self._outputs(x)

    def _outputs(self, x: Tensor) -> Tensor:
        zero = x.new_zeros(1, x.shape[0], self.hidden_size)
        weights = [self.input_weight, self.hidden_weight, self.bias, self.forget_offset]
        outputs: Tensor = torch.lstm(x, (zero, zero), weights, True, 1, 0.0, self.training, False, True)[0]
        return outputs


def _has_lstm(dtype: torch.dtype) -> bool:
    """Whether oneDNN has an LSTM of this type for this processor. PyTorch asks it for one all the same, and fails."""
    known = {torch.bfloat16: "_is_mkldnn_bf16_supported", torch.float16: "_is_mkldnn_fp16_supported"}
    if dtype not in known or not hasattr(torch.ops.mkldnn, known[dtype]):  # a build without oneDNN computes it itself
        return True
    return bool(getattr(torch.ops.mkldnn, known[dtype])())


class GRULayer(nn.Module):
    """Gated recurrent unit (Cho et al. 2014, in the variant of `torch.nn.GRU`): (B, T, in_features) to
    (B, T, hidden_size), with x the input, h the state before and * by element:

        r = sigmoid(W_r x + b_r + U_r h + c_r)
        z = sigmoid(W_z x + b_z + U_z h + c_z)
        n = tanh(W_n x + b_n + r * (U_n h + c_n))
        h' = (1 - z) * n + z * h

    The rows of the weights are r, z, n, one after the other. The reset gate acts after the product U_n h, where that of
    Haiku's GRU acts before it.
    """

    def __init__(self, in_features: int, hidden_size: int) -> None:
        super().__init__()
        self.hidden_size = hidden_size
        self.input_weight = nn.Parameter(torch.empty(3 * hidden_size, in_features))
        self.hidden_weight = nn.Parameter(torch.empty(3 * hidden_size, hidden_size))
        self.input_bias = nn.Parameter(torch.zeros(3 * hidden_size))
        self.hidden_bias = nn.Parameter(torch.zeros(3 * hidden_size))
        truncated_normal_(self.input_weight, in_features**-0.5)
        truncated_normal_(self.hidden_weight, hidden_size**-0.5)

    def forward(self, x: Tensor) -> Tensor:
        h = x.new_zeros(1, x.shape[0], self.hidden_size)
        weights: list[Tensor] = [self.input_weight, self.hidden_weight, self.input_bias, self.hidden_bias]
        outputs: Tensor = torch.gru(x, h, weights, True, 1, 0.0, self.training, False, True)[0]
        return outputs


class Recurrent(nn.Module):
    """Tokens (B, T, W) to features (B, T, hidden_size), or the last token's for positions="query".

    Dropout, in training only, follows every layer.
    """

    def __init__(
        self,
        layer: type[LSTMLayer] | type[VanillaRNNLayer] | type[GRULayer],
        width: int,
        hidden_size: int,
        num_layers: int,
        dropout_prob: float,
    ) -> None:
        super().__init__()
        self.out_features = hidden_size
        self.dropout_prob = dropout_prob
        self.layers = nn.ModuleList(layer(width if i == 0 else hidden_size, hidden_size) for i in range(num_layers))

    def forward(self, x: Tensor, positions: Positions = "all") -> Tensor:
        for layer in self.layers:
            x = layer(x)
            if self.training and self.dropout_prob:
                x = F.dropout(x, self.dropout_prob)
        return x[:, -1] if positions == "query" else x


def build_lstm(model: ModelFacts, own: LSTMConfig) -> Recurrent:
    """The stacked LSTM of `model`."""
    return Recurrent(LSTMLayer, model.token_width, model.resolved_hidden_size, model.num_layers, model.dropout_prob)


def build_vanilla_rnn(model: ModelFacts, own: VanillaRNNConfig) -> Recurrent:
    """The stacked plain recurrent network of `model`."""
    return Recurrent(
        VanillaRNNLayer, model.token_width, model.resolved_hidden_size, model.num_layers, model.dropout_prob
    )


def build_gru(model: ModelFacts, own: GRUConfig) -> Recurrent:
    """The stacked GRU of `model`."""
    return Recurrent(GRULayer, model.token_width, model.resolved_hidden_size, model.num_layers, model.dropout_prob)
