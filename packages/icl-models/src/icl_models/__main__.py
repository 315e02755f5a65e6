"""``python -m icl_models`` is the ``icl-models`` command."""

import sys

from icl_data.foundation.entry import enter


def main() -> int:
    """Entry point of ``icl-models``."""
    return enter("icl-models", _command)


def _command() -> int:
    from icl_models._commands.main import main  # Ctrl+C is heard while it is imported

    return main()


if __name__ == "__main__":
    sys.exit(main())
