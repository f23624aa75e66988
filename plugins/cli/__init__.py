"""Plugin `cli`: the command `isthmus`, over the remote adapter."""
