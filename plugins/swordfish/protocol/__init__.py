"""What the protocol demands of every resource, done once around all of them (DSP0266)."""
