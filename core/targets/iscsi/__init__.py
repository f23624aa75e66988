"""Target `iscsi`: publishes files and block devices of this node over iSCSI with tgtd."""
