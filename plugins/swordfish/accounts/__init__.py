"""Who is asking, for how long, and what they may do here."""
