"""What an example of a class looks like: the protocol and the built-in sources."""
