"""A file as a lock between processes."""


def try_lock(descriptor: int) -> bool:
    """Take the lock, which the system gives back when this process ends, however it ends."""
    try:
        import fcntl
    except ImportError:  # Windows: no lock; two runs at once are the user's care there
        return True
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
