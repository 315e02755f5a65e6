"""What `--help` says about exit codes."""

from __future__ import annotations


def exit_codes(done: str, *, failed: str = "", also: str = "") -> str:
    """One paragraph.

    Args:
        done: what 0 means.
        failed: what 1 means; empty for a command that can only be mistaken.
        also: codes of the command's own, with what they mean.
    """
    codes = [f"0 {done}", f"1 {failed}" if failed else "", "2 a mistake in the command, nothing was written", also]
    return f"exit codes: {', '.join(filter(None, codes))}, 130 interrupted, 141 nobody reads the output on"
