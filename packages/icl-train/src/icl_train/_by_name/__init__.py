"""Settings by their dotted names, put onto a configuration with the defaults that hang on some of them."""
