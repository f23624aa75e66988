"""The platform vSphere: what a vCenter's administrators can do with storage, from inside the vSphere Client."""
