"""``python -m icl_eval`` is the ``icl-eval`` command."""

import sys

from icl_eval._commands.main import main

sys.exit(main())
