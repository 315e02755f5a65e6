"""What scripts import: every public name of the first layout is still where it was."""

import importlib

import pytest

PUBLIC = {
    "icl_data": """
        ArraySource Augmented BatchSampler Bursty ClassSplit Fewshot GaussianSource ImageFolderSource LabelElsewhere
        Mixed NoSupport OmniglotError OmniglotSource Random SeqGenerator SequenceBatch SequenceStatistics Source
        SymbolicSource draw_sequences draw_statistics format_sequences format_statistics load_source
        query_law sequence_statistics
    """,
    "icl_data.jax": """
        ExampleBank downsample to_jax
    """,
    "icl_data.testing": """
        SourceConformance check_source
    """,
    "icl_data.torch": """
        ExampleBank SequenceDataset create_sequence_dataloader downsample to_torch
    """,
    "icl_models": """
        ComponentConfig Edit EmbedderSpec EmbeddingConfig GRUConfig InContextModel LSTMConfig LinearConfig
        MambaConfig ModelConfig ModelSummary Outcome PartSummary PluginError PluginRecord PluginWarning
        ResNetConfig SequenceModelSpec SimpleResNet Trace Tracker TrackerSpec TransformerConfig
        TransformerICL VanillaRNNConfig VectorConfig ablate build_model capture capture_attention
        component_owner count_parameters edit find_embedder find_sequence_model find_tracker freeze hookimpl
        known_embedders known_sequence_models known_trackers load_model patch save_model site_names summarize
        unusable_component
    """,
    "icl_models.haiku": """
        CheckpointError Variables export_variables import_variables infer_config load_checkpoint
        save_checkpoint
    """,
    "icl_models.hookspecs": """
        hookimpl hookspec icl_register_embedders icl_register_sequence_models icl_register_trackers
    """,
    "icl_models.testing": """
        EmbedderConformance SequenceModelConformance TrackerConformance
    """,
    "icl_train": """
        DataConfig EVAL_SPLITS EvalConfig EvalResult Evaluation Evaluator HEADLINES ModelSettings OptimConfig PRESETS
        PlainReporter RUN_FORMAT Reporter RunConfig RunError RunFailed RunFolder SeedConfig Task TrainConfig
        chan2022 departures eval_record figure3a find_runs headline_of laptop load_model_weights
        progress_line read_evaluation read_evaluations reporter_for resolve_device smoke train
    """,
    "icl_train.command_line": """
        given nearest one_line_errors parse show_table shown_width
    """,
    "icl_train.config": """
        DataConfig EvalConfig ModelSettings NEUTRAL_SETTINGS OptimConfig Protocol RunConfig SEQUENCE_TYPES
        SeedConfig SequenceKind TrainConfig
    """,
    "icl_train.evaluation": """
        EVAL_SPLITS EvalResult Evaluator HEADLINES Headline headline_of
    """,
    "icl_train.metrics": """
        Interval LabelGroups best_option query_metrics sequence_loss sequence_metrics wilson_interval
    """,
    "icl_train.optim": """
        build_optimizer learning_rate set_learning_rate
    """,
    "icl_train.presets": """
        PRESETS chan2022 laptop smoke with_source
    """,
    "icl_eval": """
        Curve Evaluation FIGURES FigureSpec PUBLISHED_STEPS RunGroup RunSeries collect curve draw
        evaluate_run figure_table final_rows group_runs published timeseries_rows write_csv
    """,
}
OPTIONAL = {"icl_data.jax": "jax"}


@pytest.mark.parametrize("module", PUBLIC)
def test_every_public_name_is_where_it_was(module):
    if module in OPTIONAL:
        pytest.importorskip(OPTIONAL[module])
    found = importlib.import_module(module)
    assert [name for name in PUBLIC[module].split() if not hasattr(found, name)] == []
