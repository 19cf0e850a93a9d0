"""What to do when the machine refuses: the next step for what it said."""

from __future__ import annotations

import errno

_AGAIN = "then run the same command again"
_REMEDIES = {
    **dict.fromkeys((errno.ENOSPC, errno.EDQUOT, errno.EFBIG), "free some space"),
    **dict.fromkeys((errno.EACCES, errno.EPERM), "correct the permissions"),
    errno.EROFS: "use a folder that can be written to",
    errno.EISDIR: "a folder stands where a file belongs: move it away or name another path",
    errno.ENOTDIR: "a file stands where a folder belongs: move it away or name another path",
    errno.EEXIST: "something else stands there: move it away or name another path",
    errno.ELOOP: "the link leads back to itself: put it right or name another path",
    errno.ENAMETOOLONG: "name a shorter path",
    errno.ENOENT: "make the folder or name another path",
    **dict.fromkeys((errno.EMFILE, errno.ENFILE), "raise the limit of open files (ulimit -n)"),
}


def remedy(fault: OSError) -> str:
    """A sentence for the `next` of an error."""
    return f"{_REMEDIES.get(fault.errno or 0, 'put right what the machine names')}, {_AGAIN}"
