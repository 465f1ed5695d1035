"""The tamper-evident log: events, signed notes, checkpoints, witnesses, and the check of a log."""
