"""Profiles in vCenter: a tag for each, on datastores whose volumes have it, and a storage policy that finds them."""
