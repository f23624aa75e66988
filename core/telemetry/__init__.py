"""What can be measured of a server process, in Prometheus' form."""
