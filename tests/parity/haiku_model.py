"""The released model described once more, in Haiku and optax, to compare the torch one with while both run.

Written from a description of the architecture (Chan et al. 2022, section 2.2 and appendix) and from the names of its
variables; `test_live_jax.py` holds it to the golden values before it is used as a reference. All dropout is off.
"""

import haiku as hk
import jax
import jax.numpy as jnp
import optax

from icl_models import ModelConfig, ResNetConfig

jax.config.update("jax_platforms", "cpu")
jax.config.update("jax_num_cpu_devices", 2)  # for `jax.pmap`; other computations are on the first
jax.config.update("jax_default_matmul_precision", "highest")

STRIDES = (1, 2, 2, 2)


def fan_in_scaled(scale=1.0):
    """Variance scaling: the deviation after the cut at two of them is sqrt(scale / fan_in)."""
    return hk.initializers.VarianceScaling(scale, "fan_in", "truncated_normal")


def sinusoidal_positions(length, width):
    """(length, width): all sines, then all cosines, of position / 30^(i / width), i = 0, 2, 4, ..."""
    angle = jnp.arange(length)[:, None] / 30.0 ** (jnp.arange(0, width, 2) / width)
    return jnp.concatenate([jnp.sin(angle), jnp.cos(angle)], axis=1)


class Block(hk.Module):
    """Bottleneck: 1x1, 3x3 with the stride, 1x1; beside it an identity or a projection."""

    def __init__(self, channels, stride, project, name):
        super().__init__(name)

        def normalised_conv(index, out, kernel, stride=1):
            # The last normalisation starts at scale 0, so that a block starts as its shortcut.
            conv = hk.Conv2D(out, kernel, stride, padding="SAME", with_bias=False, name=f"conv_{index}")
            return conv, batch_norm(f"batchnorm_{index}", scale_init=jnp.zeros if index == 2 else jnp.ones)

        narrow = channels // 4
        self.shortcut = None
        if project:
            conv = hk.Conv2D(channels, 1, stride, padding="SAME", with_bias=False, name="shortcut_conv")
            self.shortcut = conv, batch_norm("shortcut_batchnorm")
        self.layers = [
            normalised_conv(0, narrow, 1),
            normalised_conv(1, narrow, 3, stride),
            normalised_conv(2, channels, 1),
        ]

    def __call__(self, x, is_training):
        shortcut = x
        if self.shortcut is not None:
            conv, norm = self.shortcut
            shortcut = norm(conv(x), is_training)
        for index, (conv, norm) in enumerate(self.layers):
            x = norm(conv(jax.nn.relu(x) if index else x), is_training)
        return jax.nn.relu(x + shortcut)


def batch_norm(name, scale_init=jnp.ones):
    return hk.BatchNorm(True, True, decay_rate=0.9, eps=1e-5, scale_init=scale_init, name=name)


class BlockGroup(hk.Module):
    """Two blocks, of which the first projects and carries the stride."""

    def __init__(self, channels, stride, name):
        super().__init__(name)
        self.blocks = [Block(channels, 1 if i else stride, project=i == 0, name=f"block_{i}") for i in range(2)]

    def __call__(self, x, is_training):
        for block in self.blocks:
            x = block(x, is_training)
        return x


class SimpleResNet(hk.Module):
    """Images (N, H, W, 1) to embeddings (N, E)."""

    def __init__(self, emb_dim, flatten_superpixels):
        super().__init__()
        self.flatten_superpixels = flatten_superpixels
        self.conv = hk.Conv2D(64, 7, 2, padding="SAME", with_bias=False, name="initial_conv")
        self.norm = batch_norm("initial_batchnorm")
        channels = (16, 32, 32, emb_dim // 16 if flatten_superpixels else emb_dim)
        self.groups = [
            BlockGroup(c, s, f"block_group_{g}") for g, (c, s) in enumerate(zip(channels, STRIDES, strict=True))
        ]

    def __call__(self, x, is_training):
        x = jax.nn.relu(self.norm(self.conv(x), is_training))
        x = hk.max_pool(x, window_shape=(1, 3, 3, 1), strides=(1, 2, 2, 1), padding="SAME")
        for group in self.groups:
            x = group(x, is_training)
        return x.reshape(x.shape[0], -1) if self.flatten_superpixels else x.mean((1, 2))


class InputEmbedder(hk.Module):
    """Examples and labels to tokens (B, T, W): x1 y1 x2 y2 ... xq, or x and y side by side."""

    def __init__(self, config: ModelConfig):
        super().__init__()
        self.config = config

    def __call__(self, examples, labels, is_training):
        config = self.config
        h_x = embed_examples(config, examples, is_training)  # (B, S, E)
        size = config.num_classes + config.concatenate_labels  # concatenated, the query's label is an extra class
        table = hk.get_parameter("embs", (size, config.emb_dim), init=hk.initializers.TruncatedNormal(0.02))
        if config.concatenate_labels:
            h_y = table[jnp.asarray(labels).at[:, -1].set(config.num_classes)]
            tokens = jnp.concatenate([h_x, h_y], axis=2)
        else:
            tokens = jnp.stack([h_x, table[labels]], axis=2).reshape(len(labels), -1, config.emb_dim)[:, :-1]
        if config.use_positional_encodings:
            tokens += sinusoidal_positions(*tokens.shape[1:])
        return tokens


def embed_examples(config, examples, is_training):
    if config.embedder == "embedding":
        return hk.Embed(config.num_classes, config.emb_dim)(examples)
    if config.embedder == "linear":
        return hk.Linear(config.emb_dim)(examples.reshape(*examples.shape[:2], -1))
    own = config.embedder_config or ResNetConfig()
    net = SimpleResNet(config.emb_dim, own.flatten_superpixels)
    embedded = net(examples.reshape(-1, *examples.shape[2:]), is_training)
    return embedded.reshape(*examples.shape[:2], -1)


class CausalSelfAttention(hk.Module):
    """Every token looks at itself and at those before it; four linear layers: query, key, value, output."""

    def __init__(self, num_heads):
        super().__init__()
        self.num_heads = num_heads

    def __call__(self, x):
        length, width = x.shape[1:]
        q, k, v = (
            hk.Linear(width, w_init=fan_in_scaled())(x).reshape(*x.shape[:2], self.num_heads, -1) for _ in range(3)
        )
        scores = jnp.einsum("bqhd,bkhd->bhqk", q, k) / jnp.sqrt(width / self.num_heads)
        scores = jnp.where(jnp.tril(jnp.ones((length, length), bool)), scores, -jnp.inf)
        mixed = jnp.einsum("bhqk,bkhd->bqhd", jax.nn.softmax(scores), v)
        return hk.Linear(width, w_init=fan_in_scaled())(mixed.reshape(x.shape))


class SelfAttentionBlock(hk.Module):
    def __init__(self, num_heads):
        super().__init__()
        self.num_heads = num_heads

    def __call__(self, x):
        return CausalSelfAttention(self.num_heads)(x)


class DenseBlock(hk.Module):
    """A layer four times as wide, with the tanh-approximate GELU."""

    def __call__(self, x):
        width = x.shape[-1]
        h = hk.Linear(4 * width, w_init=fan_in_scaled())(x)
        return hk.Linear(width, w_init=fan_in_scaled())(jax.nn.gelu(h, approximate=True))


def layer_norm(x):
    return hk.LayerNorm(axis=-1, create_scale=True, create_offset=True, eps=1e-5, name="layer_norm")(x)


class TransformerBlock(hk.Module):
    """Pre-norm."""

    def __init__(self, num_heads):
        super().__init__()
        self.num_heads = num_heads

    def __call__(self, x):
        x += SelfAttentionBlock(self.num_heads)(layer_norm(x))
        return x + DenseBlock()(layer_norm(x))


class Transformer(hk.Module):
    def __init__(self, config: ModelConfig):
        super().__init__()
        self.config = config

    def __call__(self, tokens):
        for _ in range(self.config.num_layers):
            tokens = TransformerBlock(self.config.resolved_num_heads)(tokens)
        return hk.Linear(self.config.num_classes, w_init=fan_in_scaled())(layer_norm(tokens))


class RNN(hk.Module):
    """Haiku's own recurrent layers, stacked without skips, from a zero state."""

    def __init__(self, config: ModelConfig):
        super().__init__("rnn")
        self.config = config

    def __call__(self, tokens):
        layer = {"lstm": hk.LSTM, "vanilla_rnn": hk.VanillaRNN}[self.config.sequence_model]
        stack = hk.DeepRNN([layer(self.config.resolved_hidden_size) for _ in range(self.config.num_layers)])
        features, _ = hk.dynamic_unroll(stack, tokens, stack.initial_state(len(tokens)), time_major=False)
        return hk.Linear(self.config.num_classes, w_init=fan_in_scaled())(features)


def transformed(config: ModelConfig):
    """The Haiku pair (init, apply) of (examples, labels, is_training) → logits (B, T, num_classes)."""

    def forward(examples, labels, is_training):
        tokens = InputEmbedder(config)(examples, labels, is_training)
        model = Transformer if config.sequence_model == "transformer" else RNN
        return model(config)(tokens)

    return hk.without_apply_rng(hk.transform_with_state(forward))


def example_logits(config: ModelConfig, logits):
    """Logits (B, T, C) at the example positions only, (B, S, C)."""
    return logits if config.concatenate_labels else logits[:, ::2]


def sequence_loss(logits, labels, w_interim=0.0):
    """Cross-entropy of the query weighs 1 - w_interim, that of the context examples w_interim together.

    `logits` (B, S, C) at the example positions; `labels` (B, S).
    """
    losses = optax.softmax_cross_entropy_with_integer_labels(logits, labels)
    n_context = labels.shape[1] - 1
    weights = jnp.full(n_context + 1, w_interim / n_context).at[-1].set(1 - w_interim)
    return (losses * weights).sum(1).mean() / weights.sum()


def optimizer(name, *, max_lr, warmup_steps, weight_decay=0.0, clip_norm=None):
    """optax's Adam or AdamW under linear warm-up, then inverse square root; the first update is step 1."""

    def rate(count):  # optax counts from 0
        step = count + 1
        return max_lr * jnp.minimum(step / warmup_steps, jnp.sqrt(warmup_steps / step))

    update = optax.adamw(rate, weight_decay=weight_decay) if name == "adamw" else optax.adam(rate)
    return update if clip_norm is None else optax.chain(optax.clip_by_global_norm(clip_norm), update)
