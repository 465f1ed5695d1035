"""Storage on disk: the database of a log, the utilities of coalitions, the folder of a run."""
