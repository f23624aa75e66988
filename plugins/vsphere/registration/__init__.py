"""How the plug-in comes to be known to a vCenter, stays true there, and goes."""
