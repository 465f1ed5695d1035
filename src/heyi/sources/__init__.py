"""Reading what institutions export into tables, or saying exactly where the file is broken."""
