"""Sequences with controlled statistics for studying in-context and in-weights learning."""

from ._looking.show_figure import draw_sequences
from ._looking.show_text import format_sequences
from ._looking.stats import SequenceStatistics, sequence_statistics
from ._looking.stats_figure import draw_statistics
from ._looking.stats_table import format_statistics
from ._omniglot.files import OmniglotError
from ._omniglot.source import OmniglotSource
from ._released.generator import SeqGenerator
from ._sampling.query_law import query_law
from ._sampling.reddy import ReddySequences
from ._sampling.sampler import BatchSampler
from ._sequences.batch import SequenceBatch
from ._sequences.kinds import Bursty, Fewshot, LabelElsewhere, Mixed, NoSupport, Random
from ._sequences.split import ClassSplit
from ._sources.array import ArraySource
from ._sources.augmented import Augmented
from ._sources.gaussian import GaussianSource
from ._sources.image_folder import ImageFolderSource
from ._sources.loading import load_source
from ._sources.source import Source, SymbolicSource
from ._sources.source_name import SourceName, read_source_name

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
    "ReddySequences",
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
