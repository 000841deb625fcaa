"""Where units of work run: the protocol, a pool of processes on this machine, a Ray cluster."""
