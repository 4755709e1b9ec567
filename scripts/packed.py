"""The form that traces and churn logs have in common (workloads/packed.h), for the scripts that write
them: a zstd frame; in it numbers in LEB128, texts, "end\\n" and FNV-1a. Needs the zstd command."""
import os
import subprocess
import sys

END = b"end\n"
SMALL, RATIO = 8 << 20, 512  # what may be in a file: workloads/packed.h


def fail(line):
    print(f"{os.path.basename(sys.argv[0])}: {line}", file=sys.stderr)
    sys.exit(2)


def uleb(n):
    out = bytearray()
    while n > 127:
        out.append(n & 127 | 128)
        n >>= 7
    out.append(n)
    return bytes(out)


def text(s):
    return uleb(len(s)) + s.encode("ascii")


def fnv(data):
    h = 0xCBF29CE484222325
    for b in data:
        h = (h ^ b) * 0x100000001B3 & 0xFFFFFFFFFFFFFFFF
    return h


class Bytes:
    def __init__(self, data):
        self.data, self.at = data, 0

    def uleb(self):
        n = shift = 0
        while True:
            b = self.data[self.at]
            self.at += 1
            n |= (b & 127) << shift
            if b < 128:
                return n
            shift += 7

    def take(self, n):
        self.at += n
        return self.data[self.at - n : self.at]

    def text(self):
        return self.take(self.uleb()).decode()


def unpack(path):
    done = subprocess.run(["zstd", "-dcq", path], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    if done.returncode:
        fail(f"{path}: missing, or not a whole zstd file")
    return done.stdout


def write(path, out):
    """All but the end, which is added here; a file that is whole or not there."""
    out = out + END
    out += fnv(out).to_bytes(8, "little")
    part = path + ".part"
    subprocess.run(["zstd", "-19", "-qf", "--check", "-o", part], input=bytes(out), check=True)
    lacks = -(-(len(out) - SMALL) // RATIO) - os.path.getsize(part)
    if lacks > 0:  # a skippable frame
        with open(part, "ab") as f:
            f.write(b"\x50\x2a\x4d\x18" + lacks.to_bytes(4, "little") + bytes(lacks))
    os.replace(part, path)
