"""What is asked of clusters, refused where it cannot be; and libraries that are not there."""

import importlib.util
import re
import subprocess
import sys

import pytest

from icl_models import Job
from icl_train._commands.main import _main
from icl_train._launchers import slurm
from icl_train._launchers.settings import RayConfig, SlurmConfig

SWEEP = ["sweep", "figure3a", "--preset", "smoke", "--class-counts", "64"]


@pytest.mark.parametrize(
    ("time", "minutes"),
    [
        ("90", 90),
        ("90:30", 90),
        ("1:30:00", 90),
        ("12:00:00", 720),
        ("1-0", 1440),
        ("2-06:30", 3270),
        ("1-0:0:0", 1440),
    ],
)
def test_times_are_read_as_sbatch_reads_them(time, minutes):
    assert SlurmConfig(time=time).minutes == minutes


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"time": "soon"}, "time must be minutes, H:M:S or D-H:M:S, got 'soon'"),
        ({"time": "0:30"}, "time must be at least a minute, got '0:30'"),
        ({"cpus": 0}, "cpus must be at least 1, got 0"),
        ({"gpus": -1}, "gpus must be at least 0, got -1"),
        ({"grace": 0}, "grace must be at least 1, got 0"),
        ({"memory": float("nan")}, "memory must be GB, at least 1 MB (0.000976562), got nan"),
        ({"memory": 0.0001}, "memory must be GB, at least 1 MB (0.000976562), got 0.0001"),
        ({"time": "25:61:00"}, "time must have minutes and seconds below 60 behind a colon, got '25:61:00'"),
        ({"time": "90:60"}, "time must have minutes and seconds below 60 behind a colon, got '90:60'"),
        ({"time": "1"}, "grace must be shorter than time (1), got 90 seconds"),
        ({"sbatch": ("account lab",)}, "sbatch must be options such as account=lab, got 'account lab'"),
        ({"sbatch": ("--time=5",)}, "sbatch must have options that no other setting is for, got time"),
    ],
)
def test_what_slurm_cannot_be_asked_is_refused(settings, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        SlurmConfig(**settings)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"address": ""}, "address must be auto, local or HOST:PORT, got ''"),
        ({"address": "ray://head:10001"}, "address must be auto, local or HOST:PORT, got 'ray://head:10001'"),
        ({"cpus": 0}, "cpus must be at least 1, got 0"),
        ({"gpus": -0.5}, "gpus must be at least 0, got -0.5"),
        ({"retries": -1}, "retries must be at least 0, got -1"),
        ({"resources": ("big",)}, "resources must be amounts such as big-memory=1, got 'big'"),
        ({"resources": ("big=none",)}, "resources must be amounts such as big-memory=1, got 'big=none'"),
    ],
)
def test_what_ray_cannot_be_asked_is_refused(settings, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        RayConfig(**settings)


def test_further_options_of_sbatch_may_be_spelled_with_dashes_and_without_a_value():
    assert SlurmConfig(sbatch=("--account=lab", "exclusive", "mail_type=END")).options == {
        "account": "lab",
        "exclusive": True,
        "mail-type": "END",
    }


@pytest.mark.parametrize(
    ("names", "common"),
    [(["smoke-s0"], "icl-smoke-s0"), (["smoke-s0-a", "smoke-s1-b"], "icl-smoke-s"), (["a", "b"], "icl")],
)
def test_an_array_is_called_what_its_jobs_begin_with(names, common):
    jobs = [Job(name=name, folders=(), command=(), threads=1) for name in names]
    assert slurm._common_name(jobs) == common


@pytest.mark.parametrize(("launcher", "library"), [("slurm", "submitit"), ("ray", "ray")])
def test_a_missing_library_is_named_with_its_extra_before_anything_is_made(launcher, library, tmp_path):
    if importlib.util.find_spec(library) is not None:
        pytest.skip(f"{library} is installed")
    with pytest.raises(
        ValueError, match=rf'launcher {launcher!r} needs {library}, .*: pip install "icl-train\[{launcher}\]"'
    ):
        _main([*SWEEP, "--launcher", launcher, "--root", str(tmp_path / "runs")])
    assert not (tmp_path / "runs").exists()


def test_a_machine_without_slurm_is_told_which_commands_it_lacks(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ValueError, match="got a machine without sbatch, squeue, scancel, srun"):
        slurm.require_commands()


def test_neither_library_is_imported_unless_it_is_asked_for():
    code = "import sys; from icl_models import known_launchers; known_launchers(); import icl_train._sweeps.sweep; "
    code += "sys.exit(' '.join({'ray', 'submitit', 'torch'} & sys.modules.keys()) or 0)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            ["--launcher", "slrum"],
            "must be one of commands, local, ray, slurm, got 'slrum' (did you mean 'slurm'?)",
        ),
        (["--launcher-config.partition", "x"], "option --launcher-config.partition does not exist"),
        (["--launcher", "slurm", "--launcher-config.partion", "x"], "did you mean --launcher-config.partition?"),
        (
            ["--launcher", "slurm", "--launcher-config.time", "soon"],
            "time must be minutes, H:M:S or D-H:M:S, got 'soon'",
        ),
        (["--launcher", "ray", "--launcher-config.cpus", "0"], "cpus must be at least 1, got 0"),
    ],
)
def test_mistakes_about_launchers_are_one_line_and_make_nothing(options, message, tmp_path):
    with pytest.raises(ValueError) as raised:
        _main([*SWEEP, "--root", str(tmp_path / "runs"), *options])
    assert message in str(raised.value)
    assert "\n" not in str(raised.value)
    assert not (tmp_path / "runs").exists()


def test_a_launchers_own_settings_are_options_with_help(capsys):
    with pytest.raises(SystemExit):
        _main([*SWEEP, "--launcher", "slurm", "--help"])
    told = capsys.readouterr().out
    assert "--launcher-config.partition" in told
    assert "default: the cluster's own" in told or "Partition" in told
