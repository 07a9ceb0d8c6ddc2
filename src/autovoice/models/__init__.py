"""Plain torch modules: content encoders, generator, discriminators."""
