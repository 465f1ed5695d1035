"""From the text of a pack to the intermediate representation: reading, parsing, typing, checking."""
