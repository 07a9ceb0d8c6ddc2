"""Speech from text: a text is cleaned, cut into sentences, read by a front-end and converted into a voice."""
