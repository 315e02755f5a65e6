"""Files of run folders that tell whether they are as they were written."""
