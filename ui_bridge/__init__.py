"""What a browser sees of Isthmus inside the client of another platform."""
