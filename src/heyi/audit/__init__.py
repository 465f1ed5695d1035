"""The tamper-evident log: Merkle tree, signed notes, checkpoints, witnesses, and the check of them all."""
