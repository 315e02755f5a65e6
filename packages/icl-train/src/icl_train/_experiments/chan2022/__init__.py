"""The experiments of Chan et al. 2022, and what this project asks of the same runs."""
