"""``python -m icl_eval`` is the ``icl-eval`` command."""

import sys

from icl_eval._cli import main

sys.exit(main())
