"""One module a change of the schema, each named after its revision, in order."""
