"""The history of the schema, for Alembic. `core/store/upgrade.py` runs it; nothing else imports it."""
