"""The synthetic county of the demo: invented institutions and persons, and the files they would export."""
