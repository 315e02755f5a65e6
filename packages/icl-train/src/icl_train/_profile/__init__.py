"""Where the time of an update goes, and how long a whole run takes: both measured in a few updates."""
