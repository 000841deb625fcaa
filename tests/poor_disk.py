"""File systems that cannot all: without locks, as NFS without its lock daemon; without fsync of folders, as SMB."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

_SOURCE = r"""
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>

int fsync(int descriptor) {
    int (*original)(int) = dlsym(RTLD_NEXT, "fsync");
    struct stat status;
    if (getenv("FOLDER_FSYNC") && !fstat(descriptor, &status) && S_ISDIR(status.st_mode)) {
        errno = atoi(getenv("FOLDER_FSYNC"));
        return -1;
    }
    return original(descriptor);
}

int flock(int descriptor, int operation) {
    int (*original)(int, int) = dlsym(RTLD_NEXT, "flock");
    if (getenv("FLOCK")) {
        errno = atoi(getenv("FLOCK"));
        return -1;
    }
    return original(descriptor, operation);
}
"""


def poor_disk(folder: Path, fsync: int = 0, flock: int = 0) -> dict[str, str]:
    """Return an environment in which fsync of folders and flock fail with these numbers of errors; 0: they work."""
    compiler = shutil.which("cc")
    if compiler is None:
        pytest.skip("no C compiler")
    source, library = folder / "poor_disk.c", folder / "poor_disk.so"
    source.write_text(_SOURCE)
    subprocess.run([compiler, "-shared", "-fPIC", "-o", library, source, "-ldl"], check=True)
    failing = {"FOLDER_FSYNC": fsync, "FLOCK": flock}
    return os.environ | {"LD_PRELOAD": str(library)} | {name: str(error) for name, error in failing.items() if error}
