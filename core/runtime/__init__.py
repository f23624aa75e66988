"""What a running engine shares: its settings, live back ends, exports and the other parts."""
