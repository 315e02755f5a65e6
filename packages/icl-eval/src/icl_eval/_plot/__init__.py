"""Any setting, or time, against any measure: what is asked for, and whether it can be averaged."""
