"""Other codes of the field, option by option: what it is called there, and what becomes of it here."""
