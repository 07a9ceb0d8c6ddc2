"""Who speaks when in one recording, and the conversion of some of those who do."""
