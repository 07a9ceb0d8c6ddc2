"""One thin file a DVC stage."""
