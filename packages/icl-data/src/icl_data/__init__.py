"""Sequences with controlled statistics for studying in-context and in-weights learning."""

from icl_data._augmented import Augmented
from icl_data._gaussian import GaussianSource
from icl_data._generator import SeqGenerator
from icl_data._kinds import Bursty, Fewshot, Mixed, NoSupport, Random
from icl_data._loading import load_source
from icl_data._omniglot import OmniglotError, OmniglotSource
from icl_data._source import ArraySource, Source, SymbolicSource
from icl_data._split import ClassSplit

__all__ = [
    "ArraySource",
    "Augmented",
    "Bursty",
    "ClassSplit",
    "Fewshot",
    "GaussianSource",
    "Mixed",
    "NoSupport",
    "OmniglotError",
    "OmniglotSource",
    "Random",
    "SeqGenerator",
    "Source",
    "SymbolicSource",
    "load_source",
]
