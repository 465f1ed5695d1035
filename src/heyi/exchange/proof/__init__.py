"""What an outsider computes again, what another rulebook would have said, and erasure."""
