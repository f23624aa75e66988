"""Tokens, passwords, sealed secrets, the installation's CA, redaction and the table of who may do what.

Nothing here opens a database: these are the pieces that the engine and the server put together.
"""
