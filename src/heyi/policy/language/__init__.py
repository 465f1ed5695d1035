"""The language of rulebooks: files are read, parsed, checked and typed into one form (`ir`)."""
