"""``python -m icl_data`` is the ``icl-data`` command."""

import sys

from icl_data._commands.main import main

sys.exit(main())
