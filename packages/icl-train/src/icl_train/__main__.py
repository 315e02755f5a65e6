"""``python -m icl_train`` is the ``icl-train`` command."""

import sys

from icl_data.foundation.entry import enter


def main() -> int:
    """Entry point of ``icl-train``."""
    return enter("icl-train", _command)


def _command() -> int:
    from icl_train._commands.main import main  # Ctrl+C is heard while it is imported

    return main()


if __name__ == "__main__":
    sys.exit(main())
