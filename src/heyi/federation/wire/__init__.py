"""The messages between centre and nodes: calls, answers, receipts, operations, numbers."""
