"""Sequences with controlled statistics for studying in-context and in-weights learning."""

from icl_data._array_source import ArraySource
from icl_data._augmented import Augmented
from icl_data._batch import SequenceBatch
from icl_data._gaussian import GaussianSource
from icl_data._generator import SeqGenerator
from icl_data._image_folder import ImageFolderSource
from icl_data._kinds import Bursty, Fewshot, Mixed, NoSupport, Random
from icl_data._loading import load_source
from icl_data._omniglot import OmniglotSource
from icl_data._omniglot_files import OmniglotError
from icl_data._query_law import query_law
from icl_data._sampler import BatchSampler
from icl_data._show_figure import draw_sequences
from icl_data._show_text import format_sequences
from icl_data._source import Source, SymbolicSource
from icl_data._split import ClassSplit
from icl_data._stats import SequenceStatistics, sequence_statistics
from icl_data._stats_figure import draw_statistics
from icl_data._stats_table import format_statistics

__all__ = [
    "ArraySource",
    "Augmented",
    "BatchSampler",
    "Bursty",
    "ClassSplit",
    "Fewshot",
    "GaussianSource",
    "ImageFolderSource",
    "Mixed",
    "NoSupport",
    "OmniglotError",
    "OmniglotSource",
    "Random",
    "SeqGenerator",
    "SequenceBatch",
    "SequenceStatistics",
    "Source",
    "SymbolicSource",
    "draw_sequences",
    "draw_statistics",
    "format_sequences",
    "format_statistics",
    "load_source",
    "query_law",
    "sequence_statistics",
]
