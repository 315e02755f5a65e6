"""``python -m icl_train`` is the ``icl-train`` command."""

import sys

from icl_train._cli import main

sys.exit(main())
