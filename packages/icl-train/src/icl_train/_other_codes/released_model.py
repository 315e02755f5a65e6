"""Options of the released code about the update and the model."""

from __future__ import annotations

from typing import Any

from icl_train._other_codes.option import NEEDED, OtherOption

__all__ = ["MODEL"]

_TRANSFORMER, _RECURRENT = {"seq_model": ("transformer",)}, {"seq_model": ("lstm", "vanilla_rnn")}
_LATER = "set later there, from the data; here too"
_USUAL_HEADS = 8  # which a model here has if nothing else is said


def _optimizer(value: str) -> dict[str, Any]:
    if value not in ("adam", "adamw", "sgd"):
        raise ValueError("must be adam, adamw or sgd, which are what there is here of optax")
    return {"optim.optimizer": value}


def _heads(value: int) -> dict[str, Any]:
    return {"model.num_heads": None if value == _USUAL_HEADS else value}


def _embedder(value: str) -> dict[str, Any]:
    if value not in ("resnet", "linear", "embedding"):
        raise ValueError("must be resnet, linear or embedding")
    return {"model.embedder": value}


def _sequence_model(value: str) -> dict[str, Any]:
    if value not in ("transformer", "lstm", "vanilla_rnn"):
        raise ValueError("must be transformer, lstm or vanilla_rnn")
    return {"model.sequence_model": value}


def _of_adam(name: str) -> OtherOption:
    return OtherOption(
        name=f"optimizer.kwargs.{name}",
        becomes=(f"optim.{name}",),
        kind=float,
        only={"optimizer.name": ("adam", "adamw")},
    )


def _initial_scale(model: str, name: str, only: dict[str, tuple[Any, ...]]) -> OtherOption:
    return OtherOption(
        name=f"{model}.{name}",
        told="here initial weights have the scale of 1.0",
        fate="lost",
        kind=float,
        default=1.0,
        neutral=(1.0,),
        only=only,
    )


MODEL = (
    OtherOption(name="optimizer.name", becomes=("optim.optimizer",), kind=str, default=NEEDED, turned=_optimizer),
    _of_adam("b1"),
    _of_adam("b2"),
    _of_adam("eps"),
    OtherOption(
        name="optimizer.kwargs.weight_decay",
        becomes=("optim.weight_decay",),
        told="left out, optax decays by 0.0001",
        kind=float,
        default=1e-4,
        only={"optimizer.name": ("adamw",)},
    ),
    OtherOption(
        name="optimizer.kwargs.momentum",
        becomes=("optim.momentum",),
        kind=float,
        only={"optimizer.name": ("sgd",)},
        turned=lambda value: {"optim.momentum": value or 0.0},
    ),
    OtherOption(
        name="optimizer.kwargs.nesterov",
        becomes=("optim.nesterov",),
        kind=bool,
        only={"optimizer.name": ("sgd",)},
    ),
    OtherOption(name="optimizer.max_lr", becomes=("optim.max_lr",), kind=float, default=NEEDED),
    OtherOption(name="optimizer.warmup_steps", becomes=("optim.warmup_steps",), kind=int, default=NEEDED),
    OtherOption(
        name="optimizer.clip_level",
        told="nothing reads it, and gradients are never clipped there (here `optim.clip_norm` would)",
        fate="idle",
    ),
    OtherOption(
        name="training.batch_size",
        becomes=("train.batch_size",),
        told="shared out among the devices there, each of which normalises its own sequences: `--devices`",
        kind=int,
        default=NEEDED,
    ),
    OtherOption(
        name="training.learning_rate",
        told="only the empty state of the optimiser is made with it; updates follow `optimizer.max_lr`",
        fate="idle",
    ),
    OtherOption(
        name="training.w_interim_predictions",
        becomes=("optim.w_interim_predictions",),
        kind=float,
        default=NEEDED,
    ),
    OtherOption(name="embedding.num_classes", told=_LATER, fate="idle"),
    OtherOption(name="embedding.emb_dim", becomes=("model.emb_dim",), kind=int, default=64),
    OtherOption(
        name="embedding.example_encoding",
        becomes=("model.embedder",),
        kind=str,
        default="resnet",
        turned=_embedder,
    ),
    OtherOption(
        name="embedding.flatten_superpixels",
        becomes=("model.embedder_config.flatten_superpixels",),
        kind=bool,
        default=False,
        only={"embedding.example_encoding": ("resnet",)},
    ),
    OtherOption(
        name="embedding.example_dropout_prob", becomes=("model.example_dropout_prob",), kind=float, default=0.0
    ),
    OtherOption(name="embedding.concatenate_labels", becomes=("model.concatenate_labels",), kind=bool, default=False),
    OtherOption(
        name="embedding.use_positional_encodings",
        becomes=("model.use_positional_encodings",),
        kind=bool,
        default=True,
    ),
    OtherOption(
        name="embedding.positional_dropout_prob",
        becomes=("model.positional_dropout_prob",),
        kind=float,
        default=0.1,
    ),
    OtherOption(name="embedding.name", told="what the module is called", fate="otherwise"),
    OtherOption(name="seq_model", becomes=("model.sequence_model",), kind=str, default=NEEDED, turned=_sequence_model),
    OtherOption(name="transformer.num_classes", told=_LATER, fate="idle"),
    OtherOption(name="transformer.num_layers", becomes=("model.num_layers",), kind=int, default=8, only=_TRANSFORMER),
    OtherOption(
        name="transformer.num_heads",
        becomes=("model.num_heads",),
        kind=int,
        default=8,
        only=_TRANSFORMER,
        turned=_heads,
    ),
    OtherOption(
        name="transformer.dropout_prob",
        becomes=("model.dropout_prob",),
        kind=float,
        default=0.1,
        only=_TRANSFORMER,
    ),
    _initial_scale("transformer", "self_att_init_scale", _TRANSFORMER),
    _initial_scale("transformer", "dense_init_scale", _TRANSFORMER),
    OtherOption(name="transformer.name", told="what the module is called", fate="otherwise"),
    OtherOption(name="rnn.num_classes", told=_LATER, fate="idle"),
    OtherOption(name="rnn.num_layers", becomes=("model.num_layers",), kind=int, default=8, only=_RECURRENT),
    OtherOption(name="rnn.hidden_size", becomes=("model.hidden_size",), kind=int, default=512, only=_RECURRENT),
    OtherOption(
        name="rnn.dropout_prob",
        told="kept and never used there: recurrent models have no dropout (here `model.dropout_prob` would be)",
        fate="idle",
    ),
    _initial_scale("rnn", "dense_init_scale", _RECURRENT),
    OtherOption(name="rnn.name", told="what the module is called", fate="otherwise"),
    OtherOption(
        name="evaluation.batch_size",
        told="the released evaluation stops unless it is 1, and asks 10,002 sequences; here `eval.batches` of "
        "`train.batch_size` sequences are asked",
        fate="otherwise",
    ),
)
