"""What the banks of torch and JAX share: tables of examples ready for a device."""
