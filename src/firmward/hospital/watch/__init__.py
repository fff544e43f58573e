"""How is it going?  Signals from what devices report, and the decision they add up to.  Pure."""
