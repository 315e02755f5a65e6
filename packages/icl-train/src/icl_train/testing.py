"""A conformance suite for experiments. Subclass it in a test file, name your experiment, run pytest:

    from icl_train.testing import ExperimentConformance

    class TestMine(ExperimentConformance):
        name = "my-experiment"

Nothing is trained, and no data file is opened.
"""

from __future__ import annotations

from collections.abc import Sequence

from icl_models.testing import ExperimentConformance as _SpecConformance
from icl_train._experiments.runs import ExperimentRun, experiment_runs
from icl_train.presets import PRESETS

__all__ = ["ExperimentConformance"]

_OF_TRAINING = ("loss", "accuracy_query", "grad_l2", "weight_l2", "weight_l2_all")


class ExperimentConformance(_SpecConformance):
    """Set `name` to the experiment under test."""

    def runs(self, scale: str) -> Sequence[ExperimentRun]:
        """Its runs at a scale.

        Args:
            scale: name of the scale.
        """
        return experiment_runs(self.spec(), scale)

    def test_each_scale_starts_from_a_preset(self) -> None:
        assert {scale.preset for scale in self.spec().scales.values()} <= PRESETS.keys()

    def test_each_scale_has_runs_with_settings_that_exist_and_fit(self) -> None:
        assert all(self.runs(scale) for scale in self.spec().scales)

    def test_each_point_is_another_run(self) -> None:
        spec = self.spec()
        for scale, found in spec.scales.items():
            expected = len(set(found.seeds)) * max(1, found.draws)
            for axis in spec.axes_at(scale):
                expected *= len(axis.points)
            assert len({run.config.digest() for run in self.runs(scale)}) == expected

    def test_each_claim_is_about_what_is_measured(self) -> None:
        for claim in self.spec().claims:
            for scale in claim.scales if claim.heads is None else ():
                for run in self.runs(scale):
                    assert claim.measure in {*_OF_TRAINING, *(one.name for one in run.config.eval.measured)}

    def test_each_claim_about_heads_is_about_a_layer_that_its_runs_have(self) -> None:
        for claim in self.spec().claims:
            points = [claim.where, *([] if claim.than is None else [claim.than])]
            for scale in claim.scales:
                for run in self.runs(scale):
                    if claim.heads is not None and any(point.items() <= run.where.items() for point in points):
                        assert claim.heads.layer < run.config.model.num_layers
