"""What happened, told to those who asked: by POST to a destination, or on a stream they hold open."""
