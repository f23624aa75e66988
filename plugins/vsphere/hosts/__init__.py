"""Storage of ESXi hosts, as a vCenter lets it be changed."""
