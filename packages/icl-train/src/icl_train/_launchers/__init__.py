"""Who has the runs of a sweep trained: this machine, or a cluster's scheduler."""
