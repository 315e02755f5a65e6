"""The figures of Chan et al. 2022, and one of its two kinds of learning against each other."""
