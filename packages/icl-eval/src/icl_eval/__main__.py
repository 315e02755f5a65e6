"""``python -m icl_eval`` is the ``icl-eval`` command."""

import sys

from icl_data.foundation.entry import enter


def main() -> int:
    """Entry point of ``icl-eval``."""
    return enter("icl-eval", _command)


def _command() -> int:
    from icl_eval._commands.main import main  # Ctrl+C is heard while it is imported

    return main()


if __name__ == "__main__":
    sys.exit(main())
