"""What holds of all requests at once: proofs, findings, differences, boundaries, coverage."""
