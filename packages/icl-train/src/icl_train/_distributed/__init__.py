"""Several processes that train one run: how many there are, and how they hear of each other."""
