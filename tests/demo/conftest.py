"""A PostgreSQL server for the demonstration."""

from tests.support.postgres import PostgresServer, postgres, postgres_url

__all__ = ["PostgresServer", "postgres", "postgres_url"]
