"""Pure signal functions on mono float32 arrays."""
