"""What centre and nodes say to one another: calls, answers, receipts, operations, numbers."""
