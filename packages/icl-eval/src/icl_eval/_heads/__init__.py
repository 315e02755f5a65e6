"""Inside models with attention: scores of heads, ablation, composition, and activation patching."""
