"""Read files of institutions: tables, requests, studies, programs. Errors name the exact place."""
