"""Many recordings in one run: the jobs, who does them, and what is done already."""
