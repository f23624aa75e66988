"""How a vCenter is reached: HTTP over TLS, SOAP, and who may call what."""
