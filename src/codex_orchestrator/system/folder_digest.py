"""Whether something below a folder changed, found out without reading a file."""

import hashlib
import os
import stat


def digest_folder(folder: str) -> str:
    """Return a digest of names, kinds, sizes, owners and change times of all below a folder.

    The kernel sets the change time and no user can set it back, so a file that was written and
    given its old time again counts as changed. Symbolic links are not followed. A folder that is
    not there has a digest too.
    """
    digest = hashlib.sha256()
    queue = [os.fsencode(folder)]
    while queue:
        place = queue.pop()
        try:
            facts = os.lstat(place)
        except FileNotFoundError:
            digest.update(place + b"\0gone\0")
            continue
        parts = (facts.st_mode, facts.st_uid, facts.st_size, facts.st_ino, facts.st_ctime_ns)
        digest.update(place + b"\0" + repr(parts).encode("ascii"))
        if stat.S_ISDIR(facts.st_mode):
            try:
                queue += sorted(os.path.join(place, name) for name in os.listdir(place))
            except PermissionError:
                digest.update(b"closed")
    return digest.hexdigest()
