"""The vCenters that this installation is registered with, and the people who come from them."""
