"""One file for each version of the format; each is frozen once it was released."""
