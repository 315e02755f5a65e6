"""``python -m icl_data`` is the ``icl-data`` command."""

import sys

from icl_data.foundation.entry import enter


def main() -> int:
    """Entry point of ``icl-data``."""
    return enter("icl-data", _command)


def _command() -> int:
    from icl_data._commands.main import main  # Ctrl+C is heard while it is imported

    return main()


if __name__ == "__main__":
    sys.exit(main())
