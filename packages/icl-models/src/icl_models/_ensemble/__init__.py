"""Many models of one shape as one: every product is a batched product over the members."""
