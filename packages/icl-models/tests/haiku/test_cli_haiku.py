"""Released checkpoints become saved models and released checkpoints again; mistakes are one line."""

import os
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from icl_models import ModelConfig, ResNetConfig, build_model, load_model, save_model
from icl_models._commands.main import main
from icl_models.haiku import export_variables, infer_config, load_checkpoint, save_checkpoint

IDS: dict[str, Any] = {"num_classes": 5, "example_kind": "id", "example_shape": (), "embedder": "embedding"}
SMALL: dict[str, Any] = {"num_classes": 5, "emb_dim": 16}
CONFIGS = {
    "resnet": ModelConfig(**SMALL, num_layers=1),
    "colour": ModelConfig(**SMALL, num_layers=1, example_shape=(105, 105, 3)),
    "superpixels": ModelConfig(num_classes=5, num_layers=1, embedder_config=ResNetConfig(flatten_superpixels=True)),
    "linear": ModelConfig(**SMALL, num_layers=1, example_shape=(9, 9, 1), embedder="linear"),
    "ids": ModelConfig(**IDS, emb_dim=16, num_layers=3),
    "more ids": ModelConfig(**IDS, emb_dim=16, num_layers=1, num_ids=9),
    "concatenated": ModelConfig(**IDS, emb_dim=16, num_layers=11, concatenate_labels=True),
    "lstm": ModelConfig(**IDS, emb_dim=16, num_layers=3, sequence_model="lstm"),
    "narrow rnn": ModelConfig(**IDS, emb_dim=16, num_layers=2, sequence_model="vanilla_rnn", hidden_size=7),
    "concatenated rnn": ModelConfig(
        **IDS, emb_dim=16, num_layers=2, sequence_model="vanilla_rnn", concatenate_labels=True
    ),
}


def write_checkpoint(path: Path, config: ModelConfig, **more: Any) -> tuple[Any, Any]:
    """A checkpoint as the released code has it, the averages of its batch normalisation having moved."""
    model = build_model(config, seed=3)
    if config.example_kind == "image":
        model.embed_examples(torch.rand(1, 2, *config.example_shape, generator=torch.Generator().manual_seed(0)))
    params, state = export_variables(model)
    path.write_bytes(pickle.dumps({"params": params, "state": state, **more}))
    return params, state


def same(one: Any, other: Any) -> bool:
    return one.keys() == other.keys() and all(
        one[module].keys() == other[module].keys()
        and all(
            np.array_equal(array, other[module][name]) and array.dtype == other[module][name].dtype
            for name, array in one[module].items()
        )
        for module in one
    )


@pytest.mark.parametrize("config", CONFIGS.values(), ids=CONFIGS)
def test_a_checkpoint_tells_its_config(config: ModelConfig) -> None:
    inferred = infer_config(export_variables(build_model(config, seed=0))[0])
    expected = config.to_dict()
    if config.embedder == "resnet" and config.embedder_config is None:
        expected["embedder_config"] = {"flatten_superpixels": False}
    assert inferred == ModelConfig.from_dict(expected)


def test_settings_that_are_given_go_before_what_the_shapes_tell() -> None:
    config = ModelConfig(**SMALL, num_layers=1, num_heads=2, example_shape=(3, 27, 1), embedder="linear")
    params, _ = export_variables(build_model(config, seed=0))
    assert infer_config(params, num_heads=2, example_shape=(3, 27, 1)) == config


@pytest.mark.parametrize(
    ("missing", "message"),
    [
        ("transformer/linear", r"variables must have transformer/linear\|w, got input_embedder, "),
        ("input_embedder", r"variables must have input_embedder\|embs, got "),
        ("input_embedder/embed", r"variables must have input_embedder/embed\|embeddings, got input_embedder, "),
        ("transformer/transformer_block", "must have the layers of one of transformer, lstm, vanilla_rnn, got none"),
    ],
)
def test_a_variable_that_should_tell_and_is_missing_is_named(missing: str, message: str) -> None:
    params, _ = export_variables(build_model(ModelConfig(**IDS, emb_dim=16, num_layers=1), seed=0))
    kept = {name: arrays for name, arrays in params.items() if name != missing and not name.startswith(missing + "/")}
    with pytest.raises(ValueError, match=message):
        infer_config(kept)


def test_inputs_that_are_no_square_image_must_be_described() -> None:
    config = ModelConfig(**SMALL, num_layers=1, example_shape=(3, 5, 1), embedder="linear")
    with pytest.raises(ValueError, match="example_shape must be set for examples of 15 numbers"):
        infer_config(export_variables(build_model(config, seed=0))[0])


@pytest.mark.parametrize("case", ["resnet", "superpixels", "linear", "concatenated", "lstm", "narrow rnn"])
def test_a_checkpoint_survives_import_and_export_exactly(tmp_path: Path, case: str) -> None:
    released, ours, again = tmp_path / "checkpoint.dill", tmp_path / "model.safetensors", tmp_path / "again.dill"
    params, state = write_checkpoint(released, CONFIGS[case], global_step=7, opt_state=())
    assert main(["import-haiku", str(released), str(ours)]) == 0
    assert main(["export-haiku", str(ours), str(again)]) == 0
    read = load_checkpoint(again)
    assert read.keys() == {"params", "state"}
    assert same(read["params"], params)
    assert same(read["state"], state)


def test_an_imported_model_computes_what_the_original_computes(tmp_path: Path) -> None:
    config = ModelConfig(**IDS, emb_dim=16, num_layers=2, num_heads=2)
    write_checkpoint(tmp_path / "checkpoint.dill", config)
    out = tmp_path / "model.safetensors"
    assert main(["import-haiku", str(tmp_path / "checkpoint.dill"), str(out), "--num-heads", "2"]) == 0
    batch = torch.arange(6).view(2, 3) % 5, torch.arange(6).view(2, 3) % 5
    assert torch.equal(load_model(out)(*batch), build_model(config, seed=3)(*batch))


def test_a_written_checkpoint_is_read_by_pickle_alone_and_names_nothing_that_numpy_1_lacks(tmp_path: Path) -> None:
    params, state = export_variables(build_model(CONFIGS["linear"], seed=0))
    path = tmp_path / "checkpoint.dill"
    save_checkpoint(path, params, state)
    content = path.read_bytes()
    assert b"numpy._core" not in content
    read = pickle.loads(content)
    assert same(read["params"], params)
    assert all(array.flags.writeable for arrays in read["params"].values() for array in arrays.values())


def test_the_import_tells_what_it_read_and_what_it_assumed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_checkpoint(tmp_path / "checkpoint.dill", CONFIGS["concatenated"], global_step=7)
    assert main(["import-haiku", str(tmp_path / "checkpoint.dill"), str(tmp_path / "model.safetensors")]) == 0
    printed = capsys.readouterr().out
    rows = [line.split() for line in printed.splitlines()]
    assert ["params", "input_embedder", "1", "96"] in rows  # five labels and the query's, 16 numbers each
    assert ["params", "transformer/transformer_block_10", "16", "12,704"] in rows
    assert ["num_layers", "11", "checkpoint"] in rows
    assert ["num_heads", "8", "no", "checkpoint", "tells", "it:", "assumed"] in rows
    assert "not read: global_step" in printed
    assert max(map(len, printed.replace(str(tmp_path), "").splitlines())) <= 80


def test_names_in_a_file_do_not_reach_the_terminal_raw(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path, out = tmp_path / "checkpoint.dill", tmp_path / "model.safetensors"
    params, state = write_checkpoint(path, CONFIGS["ids"], **{"step\x1b[2J": 1})
    assert main(["import-haiku", str(path), str(out)]) == 0
    assert "not read: step\\x1b[2J\n" in capsys.readouterr().out
    params["a\x1b[2J"] = {"w": np.zeros(1, np.float32)}
    path.write_bytes(pickle.dumps({"params": params, "state": state}))
    assert main(["import-haiku", str(path), str(out), "--force"]) == 2
    assert "params has no place for a\\x1b[2J|w\n" in capsys.readouterr().err


def malicious(kind: str, trap: Path) -> bytes:
    if kind == "dotted name":  # protocol 4 looks up attributes of attributes
        return b"\x80\x04\x8c\x05numpy\x8c\x0endarray.tofile\x93."
    function, argument = {
        "system": (os.system, f"touch {trap}"),
        "eval": (eval, f"open({str(trap)!r}, 'w')"),
        "mkdir": (os.mkdir, str(trap)),
        "loads": (pickle.loads, b"I1\n."),
        "object array": (os.mkdir, str(trap)),
    }[kind]
    runs = type("Runs", (), {"__reduce__": lambda self: (function, (argument,))})()
    content = np.array([runs], dtype=object) if kind == "object array" else {"params": runs, "state": {}}
    return pickle.dumps(content)


@pytest.mark.parametrize("kind", ["system", "eval", "mkdir", "loads", "object array", "dotted name"])
def test_a_malicious_checkpoint_is_refused_in_one_line_and_not_run(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], kind: str
) -> None:
    trap, path, out = tmp_path / "trap", tmp_path / "checkpoint.dill", tmp_path / "model.safetensors"
    path.write_bytes(malicious(kind, trap))
    assert main(["import-haiku", str(path), str(out)]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("icl-models import-haiku: error: a checkpoint must hold numpy arrays and plain")
    assert captured.err.count("\n") == 1
    assert os.listdir(tmp_path) == ["checkpoint.dill"]


def broken(how: str, params: Any, state: Any) -> Any:
    content: dict[str, Any] = {"params": params, "state": state}
    if how == "no params":
        return {"weights": params}
    if how == "a list":
        return [params]
    if how == "a missing and an extra layer":
        for name in list(params):
            if name.startswith("transformer/transformer_block_1/"):
                params[name.replace("block_1", "block_7")] = params.pop(name)
    elif how == "a wrong shape":
        params["transformer/linear"]["b"] = params["transformer/linear"]["b"][:3]
    elif how == "a wrong rank":
        params["transformer/linear"]["w"] = params["transformer/linear"]["w"][0]
    elif how == "a layer far away":
        params["transformer/transformer_block_99999999999/layer_norm"] = params["transformer/layer_norm"]
    elif how == "an empty giant":
        params["input_embedder"]["embs"] = np.zeros((0, 1 << 40), np.float32)
    elif how == "an extra variable":
        params["transformer/mystery"] = {"w": np.zeros(2, np.float32)}
    else:
        content["params"] = 3
    return content


@pytest.mark.parametrize(
    ("how", "messages"),
    [
        ("no params", ["a checkpoint must be a dict with params, got weights"]),
        ("a list", ["a checkpoint must be a dict with params, got a list"]),
        ("a missing and an extra layer", [f"transformer_block_{i}/layer_norm|scale is missing" for i in range(1, 7)]),
        ("a wrong shape", ["transformer/linear|b must be float32 (5,), got float32 (3,)"]),
        ("a wrong rank", ["transformer/linear|w must have 2 axes, none of them empty, got shape (5,)"]),
        ("a layer far away", ["layers must be numbered from 0 without gaps, got 99999999999 as the last"]),
        ("an empty giant", ["input_embedder|embs must have 2 axes, none of them empty, got shape (0, 1099511627776)"]),
        ("an extra variable", ["params has no place for transformer/mystery|w"]),
        ("a number", ["variables must be nested dicts"]),
    ],
)
def test_a_checkpoint_that_does_not_fit_is_refused_in_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], how: str, messages: list[str]
) -> None:
    path = tmp_path / "checkpoint.dill"
    config = ModelConfig(**IDS, emb_dim=16, num_layers=2)
    path.write_bytes(pickle.dumps(broken(how, *export_variables(build_model(config, seed=0)))))
    assert main(["import-haiku", str(path), str(tmp_path / "model.safetensors")]) == 2
    line = capsys.readouterr().err
    assert line.startswith("icl-models import-haiku: error: ")
    assert line.count("\n") == 1
    assert all(message in line for message in messages)
    assert os.listdir(tmp_path) == ["checkpoint.dill"]


@pytest.mark.parametrize("command", ["import-haiku", "export-haiku"])
def test_a_file_that_is_there_is_overwritten_only_by_force(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], command: str
) -> None:
    config = ModelConfig(**IDS, emb_dim=16, num_layers=1)
    source, out = tmp_path / "source", tmp_path / "out"
    if command == "import-haiku":
        write_checkpoint(source, config)
    else:
        save_model(build_model(config, seed=0), source)
    out.write_text("precious")
    assert main([command, str(source), str(out)]) == 2
    assert capsys.readouterr().err == (
        f"icl-models {command}: error: the output must not exist without overwrite=True (--force), got {out}\n"
    )
    assert out.read_text() == "precious"
    assert main([command, str(source), str(out), "--force"]) == 0
    assert out.read_bytes() != b"precious"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["import-haiku", "nowhere.dill", "out"], "import-haiku: error: No such file or directory: nowhere.dill"),
        (["export-haiku", "nowhere", "out"], "export-haiku: error: a saved model must be a file, or a folder with"),
        (["export-haiku", "{gru}", "{out}"], "export-haiku: error: sequence_model must be one the released model has"),
        (["import-haiku", "{ids}", "{out}", "--num-heads", "3"], "import-haiku: error: num_heads must divide emb_dim"),
        (["import-haiku", "{ids}", "{out}", "--set", "heads=2"], "import-haiku: error: ModelConfig has no setting"),
        (["import-haiku", "{ids}", "{out}", "--set", "params=2"], "import-haiku: error: ModelConfig has no setting"),
    ],
)
def test_a_mistake_is_one_line_and_exit_code_2(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], message: str
) -> None:
    save_model(build_model(ModelConfig(**IDS, num_layers=1, sequence_model="gru"), seed=0), tmp_path / "gru")
    write_checkpoint(tmp_path / "ids", CONFIGS["ids"])
    places = {name: tmp_path / name for name in ("gru", "ids", "out")}
    assert main([part.format(**places) for part in arguments]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith(f"icl-models {message}")
    assert captured.err.count("\n") == 1
    assert sorted(os.listdir(tmp_path)) == ["gru", "ids"]
