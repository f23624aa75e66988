"""Daemons that carry hosts' data, and the locks around the objects they serve; both outlive one server process."""
