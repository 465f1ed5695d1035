"""The synthetic county of the demo: invented institutions, persons, files and requests."""
