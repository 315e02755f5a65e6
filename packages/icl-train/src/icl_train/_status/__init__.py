"""What `icl-train status` shows."""
