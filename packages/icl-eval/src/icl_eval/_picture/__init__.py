"""What is drawn, as numbers: panels, lines, means and bands, made from the tidy table of runs."""
