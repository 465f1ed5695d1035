"""Reports: self-contained pages for an official, a director and an auditor."""
