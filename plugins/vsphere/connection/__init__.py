"""How vCenters are reached: verified TLS, bounded calls, and the sessions of users and of the service account."""
