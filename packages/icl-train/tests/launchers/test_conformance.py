"""The built-in launchers that need no cluster keep the contract."""

from icl_train.testing import LauncherConformance


class TestLocal(LauncherConformance):
    name = "local"


class TestCommands(LauncherConformance):
    name = "commands"
