"""Sources of one's own by name: array files, folders of images, factories; stored so that any folder can use them."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from icl_models import ResNetConfig
from icl_train import DataConfig, RunConfig, RunFolder, smoke
from icl_train._check_settings import check_settings
from icl_train._commands.main import _main
from icl_train._plans.labels import run_name
from icl_train._run_data import RunData
from icl_train._settings.class_counts import counts_for
from icl_train.presets import chan2022, with_source

SHORT = ["--max-steps", "2", "--eval-batches", "1", "--data.n-labels", "None"]


def write_npz(folder, n_classes=40, **arrays):
    path = folder / "features.npz"
    rng = np.random.default_rng(0)
    np.savez(path, **(arrays or {"vectors": rng.random((n_classes, 9, 4)).astype("float32")}))
    return path


def write_npy(folder, n_classes=40):
    path = folder / "features.npy"
    np.save(path, np.random.default_rng(0).random((n_classes, 9, 4)).astype("float32"))
    return path


def write_h5(folder, n_classes=40):
    h5py = pytest.importorskip("h5py")
    path = folder / "features.h5"
    with h5py.File(path, "w") as file:
        file["a/vectors"] = np.random.default_rng(0).random((n_classes, 9, 4)).astype("float32")
        file["other"] = np.zeros((3, 2, 4), "float32")
    return f"{path}:a/vectors"


def write_images(folder, n_classes=40):
    image = pytest.importorskip("PIL.Image")
    rng = np.random.default_rng(0)
    for name in range(n_classes):
        (folder / "images" / f"class{name:02}").mkdir(parents=True)
        for number in range(5):
            pixels = rng.integers(256, size=(16, 16), dtype=np.uint8)
            image.fromarray(pixels).save(folder / "images" / f"class{name:02}" / f"{number}.png")
    return folder / "images"


def run_of(root, *args):
    assert _main(["run", "smoke", "--root", str(root), "--name", "run", *SHORT, *map(str, args)]) == 0
    return RunFolder.open(root / "run")


@pytest.mark.parametrize(
    ("write", "embedder"),
    [(write_npz, "vector"), (write_npy, "vector"), (write_h5, "vector"), (write_images, "resnet")],
)
def test_a_run_trains_on_every_form_of_source_with_its_embedder_and_all_its_classes(write, embedder, tmp_path, capsys):
    run = run_of(tmp_path, "--data.source", write(tmp_path))
    data = run.config.data
    assert run.status() == "done"
    assert run.config.model.embedder == embedder
    assert (data.n_rare_classes, data.n_common_classes, data.n_holdout_classes) == (26, 10, 4)


def test_the_array_behind_a_key_is_the_one_that_is_trained_on(tmp_path):
    first, second = np.zeros((40, 9, 4), "float32"), np.ones((40, 9, 4), "float32")
    path = write_npz(tmp_path, first=first, second=second)
    data = RunData.build(with_source(smoke(), f"{path}:second"))
    assert np.array_equal(data.source.gather([3], [2]), second[:1, 0])


def test_a_path_is_stored_absolute_with_its_key(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_npz(tmp_path)
    assert DataConfig(source="features.npz:vectors").source == f"{tmp_path}/features.npz:vectors"
    (tmp_path / "images").mkdir()
    assert DataConfig(source="images").source == f"{tmp_path}/images"


def test_config_json_names_the_source_so_that_other_folders_can_resume(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    write_npz(tmp_path)
    run = run_of(Path("runs"), "--data.source", "features.npz")
    stored = json.loads((run.path / "config.json").read_text())["config"]["data"]["source"]
    assert stored == f"{tmp_path}/features.npz"


def test_the_home_folder_is_expanded_in_all_paths(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    write_npz(tmp_path)
    (tmp_path / "images").mkdir()
    assert DataConfig(source="~/features.npz:vectors").source == f"{tmp_path}/features.npz:vectors"
    assert DataConfig(source="~/images").source == f"{tmp_path}/images"
    assert DataConfig(source="omniglot", omniglot="~/zips").omniglot == tmp_path / "zips"


def test_a_home_folder_that_is_not_there_is_a_mistake_in_one_line():
    with pytest.raises(ValueError, match=r"a path that starts with ~ needs that user's home folder, got ~nobody-here"):
        DataConfig(source="omniglot", omniglot="~nobody-here/zips")


@pytest.mark.parametrize("name", [r"C:\data\x.npz", r"C:\data\x.npz:key", r"\\server\share\images", "/data/x.npz:key"])
def test_an_absolute_path_of_any_system_is_a_path_and_kept_as_it_is(name):
    assert DataConfig(source=name).source == name
    assert run_name(replace(smoke(), data=DataConfig(source=name))).startswith(("x-", "x.npz-", "images-"))


def test_a_factory_is_named_as_before_and_leaves_the_class_counts_alone(tmp_path, monkeypatch):
    (tmp_path / "made_here.py").write_text(
        "import numpy as np\nfrom icl_data import ArraySource\n"
        "def make():\n    return ArraySource(np.zeros((40, 9, 4), 'float32'))\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    config = with_source(smoke(), "made_here:make")
    assert config.data.source == "made_here:make"
    assert run_name(config).startswith("made_here-make-c00064-s0-")
    counts = (config.data.n_rare_classes, config.data.n_common_classes, config.data.n_holdout_classes)
    assert counts == (54, 10, 10)  # whether they fit or not: earlier runs have them


def test_a_file_that_was_moved_does_not_keep_its_run_from_being_read(tmp_path):
    path = write_npz(tmp_path)
    config = with_source(smoke(), str(path))
    path.unlink()
    assert RunConfig.from_dict(json.loads(json.dumps(config.to_dict()))) == config


@pytest.mark.parametrize("name", ["omniglott", "features", "features.txt", "pkg:", ":make", ""])
def test_a_name_that_no_source_has_is_refused_with_the_forms_there_are(name):
    rule = "data.source must be one of symbolic, gaussian, omniglot, an array file .*, or package.module:factory, got "
    with pytest.raises(ValueError, match=f"{rule}'{name}'"):
        DataConfig(source=name)


def test_a_misspelt_source_is_told_the_nearest():
    with pytest.raises(ValueError, match=r"got 'gausian'; did you mean gaussian\?$"):
        DataConfig(source="gausian")


@pytest.mark.parametrize("name", ["nowhere/features.npz", "nowhere/images"])
def test_a_file_or_folder_that_is_not_there_is_named(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises((ValueError, OSError), match=name):
        with_source(smoke(), name)


@pytest.mark.parametrize(
    ("n_classes", "ways", "counts"),
    [(1623, 2, (1451, 10, 162)), (50, 2, (35, 10, 5)), (12, 2, (5, 5, 2)), (30, 6, (14, 10, 6)), (5, 2, (2, 1, 2))],
)
def test_class_counts_of_a_file_are_a_tenth_holdout_at_most_ten_common_and_the_rest_rare(n_classes, ways, counts):
    assert counts_for(n_classes, ways=ways) == counts


def test_class_counts_that_do_not_fit_are_refused_with_counts_that_do(tmp_path):
    config = with_source(chan2022(), str(write_npz(tmp_path, n_classes=50)))
    config = replace(config, data=replace(config.data, n_rare_classes=1590, n_common_classes=10, n_holdout_classes=10))
    message = (
        r"data\.n_rare_classes \+ n_common_classes \+ n_holdout_classes must be at most the source's 50 classes, got "
        r"1590 \+ 10 \+ 10 = 1610 \(for instance --data\.n-rare-classes 30 --data\.n-common-classes 10 "
        r"--data\.n-holdout-classes 10\)$"
    )
    with pytest.raises(ValueError, match=message):
        check_settings(config)
    fits = replace(config.data, n_rare_classes=30, n_common_classes=10, n_holdout_classes=10)
    check_settings(replace(config, data=fits))


def test_where_too_few_classes_are_left_for_rare_ones_others_are_proposed(tmp_path):
    config = with_source(chan2022(), str(write_npz(tmp_path, n_classes=25)))
    data = replace(config.data, n_rare_classes=5, n_common_classes=10, n_holdout_classes=20)
    with pytest.raises(ValueError, match=r"--data\.n-rare-classes 13 --data\.n-common-classes 10 .*classes 2\)$"):
        check_settings(replace(config, data=data))


def test_counts_that_are_given_are_taken(tmp_path, capsys):
    args = ["--data.n-rare-classes", "20", "--data.n-common-classes", "4", "--data.n-holdout-classes", "16"]
    data = run_of(tmp_path, "--data.source", write_npz(tmp_path), *args).config.data
    assert (data.n_rare_classes, data.n_common_classes, data.n_holdout_classes) == (20, 4, 16)


def test_noise_is_added_once_to_the_examples_of_a_file(tmp_path):
    torch = pytest.importorskip("torch")
    from icl_train import Task

    np.save(tmp_path / "zeros.npy", np.zeros((40, 9, 50), "float32"))
    config = with_source(smoke(), str(tmp_path / "zeros.npy"))
    config = replace(config, data=replace(config.data, n_labels=None, noise_scale=0.3))
    task = Task.build(config, device=torch.device("cpu"))
    examples = task.bank(task.training_sampler()(0), seed=0, step=0)
    # 7,200 numbers: within 4.5 standard errors of the deviation, a false alarm in 10^5.
    assert float(examples.std()) == pytest.approx(0.3, rel=4.5 / (2 * 7200) ** 0.5)


def test_noise_on_ids_is_refused_without_pytorch(tmp_path):
    np.save(tmp_path / "ids.npy", np.arange(40 * 9).reshape(40, 9))
    config = with_source(smoke(), str(tmp_path / "ids.npy"))
    config = replace(config, data=replace(config.data, n_labels=None, noise_scale=0.3))
    with pytest.raises(ValueError, match=r"data\.noise_scale must be 0 with a source of ids, which .*ids\.npy is"):
        check_settings(config)


def test_a_sweep_over_a_file_has_folders_of_its_own_in_the_root(tmp_path, capsys):
    path = write_npz(tmp_path, n_classes=40)
    args = ["--data.source", str(path), "--class-counts", "20", "--preset", "smoke", "--launcher", "commands"]
    assert _main(["sweep", "figure3a", "--root", str(tmp_path / "runs"), *args]) == 0
    (run,) = (tmp_path / "runs").iterdir()
    assert run.name.startswith("features.npz-c00020-s0-")


@pytest.mark.parametrize("source", ["omniglot", "images.npy", "images_here:make"])
def test_other_images_keep_the_settings_of_the_embedder(source, tmp_path, monkeypatch):
    np.save(tmp_path / "images.npy", np.zeros((40, 9, 28, 28, 1), "float32"))
    (tmp_path / "images_here.py").write_text(
        "import numpy as np\nfrom icl_data import ArraySource\n"
        "def make():\n    return ArraySource(np.zeros((40, 9, 28, 28, 1), 'float32'))\n"
    )
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    resnet = ResNetConfig(sequences_per_statistics=2)
    config = chan2022()
    config = replace(config, model=replace(config.model, embedder="resnet", embedder_config=resnet))
    assert with_source(config, source).model == config.model
    again = with_source(with_source(config, source), "omniglot")
    assert again.model == config.model


def test_other_vectors_keep_an_embedder_of_vectors(tmp_path):
    np.save(tmp_path / "vectors.npy", np.zeros((40, 9, 50), "float32"))
    config = replace(smoke(), model=replace(smoke().model, embedder="raw", embedder_config=None))
    assert smoke().data.source == "gaussian"
    config = with_source(config, str(tmp_path / "vectors.npy"))
    assert config.model.embedder == "raw"
    with pytest.raises(ValueError, match="emb_dim must be the vectors' width, 50, for embedder 'raw'"):
        check_settings(replace(config, data=replace(config.data, n_labels=None)))


def test_an_embedder_that_reads_two_kinds_stays_between_sources_of_ones_own(tmp_path):
    np.save(tmp_path / "vectors.npy", np.zeros((40, 9, 50), "float32"))
    np.save(tmp_path / "images.npy", np.zeros((40, 9, 28, 28, 1), "float32"))
    np.save(tmp_path / "ids.npy", np.arange(40 * 9).reshape(40, 9))
    vectors, images, ids = (str(tmp_path / f"{name}.npy") for name in ("vectors", "images", "ids"))
    config = with_source(smoke(), vectors)
    config = replace(config, model=replace(config.model, embedder="linear", embedder_config=None))
    assert with_source(config, images).model.embedder == "linear"
    assert with_source(with_source(config, images), "omniglot").model.embedder == "linear"
    assert with_source(config, ids).model.embedder == "embedding"


def test_examples_of_another_kind_bring_the_embedder_of_their_kind():
    config = chan2022()
    resnet = ResNetConfig(sequences_per_statistics=2)
    config = replace(config, model=replace(config.model, embedder="resnet", embedder_config=resnet))
    ids = with_source(config, "symbolic").model
    assert (ids.embedder, with_source(config, "gaussian").model.embedder) == ("embedding", "vector")
    assert ids.embedder_config != resnet
