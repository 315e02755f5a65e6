"""Figures, one module each: from the table of runs to what is drawn, and the values that papers published."""
