"""``python -m icl_models`` is the ``icl-models`` command."""

import sys

from icl_models._commands.main import main

sys.exit(main())
