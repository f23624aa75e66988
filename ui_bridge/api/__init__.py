"""What the web pages ask for: JSON both ways, each request in the session of the person before the browser."""
