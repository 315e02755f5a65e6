"""The report: one page of all runs, and the CSV files that it links to."""
