"""What compare-serf is made of: the machine's counters, the two systems, and a load of questions."""
