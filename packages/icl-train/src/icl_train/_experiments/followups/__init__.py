"""The experiments of the papers that came after."""
