"""What the pages show: cards, monitor pages and the plug-in's own pages, made of blocks."""
