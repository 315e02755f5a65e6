"""The released code of Chan et al. 2022: the options of its configuration files, of jaxline's that they start from too.

Read in google-deepmind/emergent_in_context_learning (experiment/, datasets/, modules/) and google-deepmind/jaxline
(base_config.py, train.py).
"""

from __future__ import annotations

from icl_train._other_codes.option import Code
from icl_train._other_codes.released_data import DATA
from icl_train._other_codes.released_loop import LOOP
from icl_train._other_codes.released_model import MODEL

__all__ = ["RELEASED"]

RELEASED = Code(
    name="The released code of Chan et al. 2022 (JAX)",
    source="`google-deepmind/emergent_in_context_learning`: the configurations and what reads them; "
    "`google-deepmind/jaxline`: the settings of the loop. Options are named as below "
    "`config.experiment_kwargs.config`, those of the loop as below `config`.",
    options=(*DATA, *MODEL, *LOOP),
)
