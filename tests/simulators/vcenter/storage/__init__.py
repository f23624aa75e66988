"""What stands behind a simulated host's storage: an initiator that really logs in, disks, and file systems on them."""
