"""Events: inserted where they become true, numbered afterwards, read and streamed in the order of their numbers."""
