"""The report: what happened, as one self-contained page that an official, a director and an auditor can read."""
