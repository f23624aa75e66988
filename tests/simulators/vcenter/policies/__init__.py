"""Storage policies: the service at `/pbm/sdk`, on the same types and sessions as the vCenter itself."""
