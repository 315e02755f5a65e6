"""How interventions act on a model: given patterns, edits by name, other runs' models, parameters that stay."""
