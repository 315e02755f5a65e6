"""Runs beside other runs, or beside what another implementation measured, with seeds as the unit."""
