"""Songs: separated, the vocal converted phrase by phrase, matched to the original's level and room, and mixed again."""
