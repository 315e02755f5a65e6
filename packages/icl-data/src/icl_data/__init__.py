"""Sequences with controlled statistics for studying in-context and in-weights learning."""

from icl_data._looking.show_figure import draw_sequences
from icl_data._looking.show_text import format_sequences
from icl_data._looking.stats import SequenceStatistics, sequence_statistics
from icl_data._looking.stats_figure import draw_statistics
from icl_data._looking.stats_table import format_statistics
from icl_data._omniglot.files import OmniglotError
from icl_data._omniglot.source import OmniglotSource
from icl_data._released.generator import SeqGenerator
from icl_data._sampling.query_law import query_law
from icl_data._sampling.sampler import BatchSampler
from icl_data._sequences.batch import SequenceBatch
from icl_data._sequences.kinds import Bursty, Fewshot, LabelElsewhere, Mixed, NoSupport, Random
from icl_data._sequences.split import ClassSplit
from icl_data._sources.array import ArraySource
from icl_data._sources.augmented import Augmented
from icl_data._sources.gaussian import GaussianSource
from icl_data._sources.image_folder import ImageFolderSource
from icl_data._sources.loading import load_source
from icl_data._sources.source import Source, SymbolicSource
from icl_data._sources.source_name import SourceName, read_source_name

__all__ = [
    "ArraySource",
    "Augmented",
    "BatchSampler",
    "Bursty",
    "ClassSplit",
    "Fewshot",
    "GaussianSource",
    "ImageFolderSource",
    "LabelElsewhere",
    "Mixed",
    "NoSupport",
    "OmniglotError",
    "OmniglotSource",
    "Random",
    "SeqGenerator",
    "SequenceBatch",
    "SequenceStatistics",
    "Source",
    "SourceName",
    "SymbolicSource",
    "draw_sequences",
    "draw_statistics",
    "format_sequences",
    "format_statistics",
    "load_source",
    "query_law",
    "read_source_name",
    "sequence_statistics",
]
