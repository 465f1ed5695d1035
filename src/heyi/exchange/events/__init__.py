"""The kinds of events of the centre's log, one class each, for all who write or read them."""
