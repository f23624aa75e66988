"""How a process is told that an operation wants a runner. A lost or doubled message is harmless."""
