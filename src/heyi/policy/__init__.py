"""Rules as code, and the policy decision point: packs are parsed, checked, compiled and read."""
