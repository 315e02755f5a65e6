"""Options from dataclasses: which there are, what people write for them, what is said of them."""
