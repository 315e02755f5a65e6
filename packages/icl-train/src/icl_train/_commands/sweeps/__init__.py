"""The command ``icl-train sweep``, one module for each thing that is swept."""
