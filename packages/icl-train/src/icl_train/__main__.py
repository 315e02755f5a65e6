"""``python -m icl_train`` is the ``icl-train`` command."""

import sys

from icl_train._commands.main import main

sys.exit(main())
