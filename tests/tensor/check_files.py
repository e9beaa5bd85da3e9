"""Compares what the library reads from files with what Python's standard library finds in them.

    python3 check_files.py PRINT_TENSORS FOLDER...

Every .pt, .pth, .safetensors, .npy, .npz and .png below the folders is read by PRINT_TENSORS and by the short readers here,
which share nothing with the library's: pickle, zipfile, json, zlib. Tensors must have the same names, dtypes, shapes and bits,
values the same text. Files that these readers cannot read must be refused with a message. Exit status 77: there are no such files."""

import ast
import collections
import io
import json
import math
import os
import pickle
import re
import struct
import subprocess
import sys
import zipfile
import zlib

# Elements in files: struct's code, bytes, and the dtype and code that they become.
ELEMENTS = {
    "Float": "f", "Double": "d", "Half": "e", "BFloat16": "B2", "Long": "q", "Int": "i", "Short": "h", "Char": "b", "Byte": "B",
    "Bool": "?", "F32": "f", "F64": "d", "F16": "e", "BF16": "B2", "I64": "q", "I32": "i", "I16": "h", "I8": "b", "U8": "B",
    "BOOL": "?",
    "torch.uint16": "H", "torch.uint32": "I", "torch.uint64": "Q",
}
BECOMES = {"f": ("float32", "f"), "d": ("float64", "d"), "e": ("float32", "f"), "B2": ("float32", "f"), "B": ("uint8", "B"),
           "?": ("bool", "?")}


def elements(kind, data, big=False):
    """The elements of a storage, and their dtype."""
    code = ELEMENTS[kind]
    dtype, to = BECOMES.get(code, ("int64", "q"))
    order = ">" if big else "<"
    if code == "B2":
        bits = struct.unpack(order + "%dH" % (len(data) // 2), data)
        return dtype, to, struct.unpack("<%df" % len(bits), struct.pack("<%dI" % len(bits), *(b << 16 for b in bits)))
    return dtype, to, struct.unpack(order + "%d%s" % (len(data) // struct.calcsize(code), code), data)


def pack(to, values):
    return struct.pack("<%d%s" % (len(values), to), *values).hex()


# ---- torch.save ----


class Storage:
    def __init__(self, kind, key, offset):
        self.kind, self.key, self.offset = kind, key, offset


class Tensor:
    def __init__(self, storage, offset, size, stride, *_):
        self.storage, self.offset, self.size, self.stride = storage, offset + storage.offset, tuple(size), tuple(stride)


def rebuild_by_dtype(storage, offset, size, stride, _grad, _hooks, dtype, *_):
    storage.kind = dtype
    return Tensor(storage, offset, size, stride)


def first(data, *_):
    return data


GLOBALS = {
    ("collections", "OrderedDict"): collections.OrderedDict,
    ("collections", "Counter"): dict,
    ("torch", "Size"): tuple,
    ("torch", "device"): str,
    ("torch", "Tensor"): None,
    ("torch.nn.parameter", "Parameter"): None,
    ("torch.nn.parameter", "Buffer"): None,
    ("torch._utils", "_rebuild_tensor_v2"): Tensor,
    ("torch._utils", "_rebuild_tensor_v3"): rebuild_by_dtype,
    ("torch._utils", "_rebuild_parameter"): first,
    ("torch._utils", "_rebuild_parameter_with_state"): first,
    ("torch._tensor", "_rebuild_from_type_v2"): lambda function, _type, arguments, _state: function(*arguments),
}
DTYPES = "float16 bfloat16 float32 float64 uint8 int8 int16 int32 int64 uint16 uint32 uint64 bool".split()


class Unpickler(pickle.Unpickler):
    kinds = {}  # of the storages, by their keys

    def find_class(self, module, name):
        if module == "torch" and name.endswith("Storage"):
            return name[: -len("Storage")]
        if module == "torch.storage" and name == "UntypedStorage":
            return "Untyped"
        if module == "torch" and name in DTYPES:
            return "torch." + name
        return GLOBALS[module, name]

    def persistent_load(self, pid):
        view = pid[5] if len(pid) > 5 else None
        self.kinds[pid[2]] = pid[1]
        return Storage(pid[1], pid[2], view[1] if view else 0)


def read_archive(path):
    with zipfile.ZipFile(path) as archive:
        names = {name.split("/", 1)[1]: archive.read(name) for name in archive.namelist()}
    big = names.get("byteorder") == b"big"
    return Unpickler(io.BytesIO(names["data.pkl"])).load(), lambda s: elements(s.kind, names["data/" + s.key], big)


def read_legacy(path):
    with open(path, "rb") as file:
        if Unpickler(file).load() != 0x1950A86A20F9469CFC6C:
            raise ValueError("no file of torch.save")
        Unpickler(file).load()
        Unpickler(file).load()
        root, data = Unpickler(file).load(), {}
        for key in Unpickler(file).load():
            count = struct.unpack("<q", file.read(8))[0]
            code = ELEMENTS.get(Unpickler.kinds[key], "B")  # an untyped storage is one of bytes
            data[key] = file.read(count * (2 if code == "B2" else struct.calcsize(code)))
    return root, lambda s: elements(s.kind, data[s.key])


def places(size, stride):
    found = [0]
    for n, step in zip(size, stride):
        found = [at + i * step for at in found for i in range(n)]
    return found


def walk(path, x, storage, found):
    items = x.items() if isinstance(x, dict) else enumerate(x) if isinstance(x, (list, tuple)) else None
    if items is not None:
        for key, item in items:
            walk(path + [str(key)], item, storage, found)
    elif isinstance(x, Tensor):
        dtype, to, values = storage(x.storage)
        data = pack(to, [values[x.offset + i] for i in places(x.size, x.stride)])
        found["tensor", ".".join(path)] = (dtype, list(x.size), data)
    else:
        found["value", ".".join(path)] = str(x)


def read_torch(path):
    found = {}
    root, storage = read_archive(path) if zipfile.is_zipfile(path) else read_legacy(path)
    walk([], root, storage, found)
    return found


def read_safetensors(path):
    found = {}
    with open(path, "rb") as file:
        header = json.loads(file.read(struct.unpack("<Q", file.read(8))[0]))
        data = file.read()
    for key, value in header.pop("__metadata__", {}).items():
        found["value", key] = value
    for name, x in header.items():
        begin, end = x["data_offsets"]
        dtype, to, values = elements(x["dtype"], data[begin:end])
        found["tensor", name] = (dtype, x["shape"], pack(to, values))
    return found


# ---- NumPy ----

NPY = {"f2": "F16", "f4": "F32", "f8": "F64", "i1": "I8", "i2": "I16", "i4": "I32", "i8": "I64", "u1": "U8", "b1": "BOOL"}


def read_array(data):
    start = 10 if data[6] == 1 else 12
    end = start + int.from_bytes(data[8:start], "little")
    header = ast.literal_eval(re.sub(r"(\d)L", r"\1", data[start:end].decode()))  # Python 2 wrote 2L
    dtype, to, values = elements(NPY[header["descr"][1:]], data[end:], header["descr"][0] == ">")
    size = header["shape"]
    if header["fortran_order"]:
        values = [values[i] for i in places(size, [math.prod(size[:k]) for k in range(len(size))])]
    return dtype, list(size), pack(to, values)


def read_npy(path):
    with open(path, "rb") as file:
        return {("tensor", ""): read_array(file.read())}


def read_npz(path):
    with zipfile.ZipFile(path) as archive:
        return {("tensor", name[: -len(".npy")]): read_array(archive.read(name)) for name in archive.namelist()}


# ---- PNG ----

PASSES = [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)]
CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}


def chunks(data):
    if data[:8] != b"\x89PNG\r\n\x1a\n":
        raise ValueError("no PNG")
    at = 8
    while at < len(data):
        n, kind = struct.unpack(">I4s", data[at : at + 8])
        body = data[at + 8 : at + 8 + n]
        if struct.unpack(">I", data[at + 8 + n : at + 12 + n])[0] != zlib.crc32(kind + body):
            raise ValueError("checksum")
        yield kind, body
        at += 12 + n


def unfilter(kind, row, above, step):
    row = bytearray(row)
    for i, x in enumerate(row):
        a, b, c = (row[i - step] if i >= step else 0), above[i], (above[i - step] if i >= step else 0)
        p = a + b - c
        paeth = min((abs(p - a), 0, a), (abs(p - b), 1, b), (abs(p - c), 2, c))[2]
        row[i] = (x + (0, a, b, (a + b) // 2, paeth)[kind]) & 255
    return row


def samples(row, bits, n):
    if bits == 16:
        return [row[2 * i] << 8 | row[2 * i + 1] for i in range(n)]
    return [row[i * bits // 8] >> (8 - bits - i * bits % 8) & ((1 << bits) - 1) for i in range(n)]


def read_pixels(raw, width, height, bits, channels, interlaced):
    pixels = [[None] * width for _ in range(height)]
    step, at = max(1, bits * channels // 8), 0
    for x0, y0, dx, dy in PASSES if interlaced else [(0, 0, 1, 1)]:
        columns = range(x0, width, dx)
        size = (len(columns) * bits * channels + 7) // 8
        above = bytearray(size)
        for y in range(y0, height, dy) if columns else []:
            above = unfilter(raw[at], raw[at + 1 : at + 1 + size], above, step)
            at += 1 + size
            found = samples(above, bits, len(columns) * channels)
            for i, x in enumerate(columns):
                pixels[y][x] = tuple(found[i * channels : (i + 1) * channels])
    return pixels


def read_png(path):
    with open(path, "rb") as file:
        found = collections.defaultdict(bytes)
        for kind, body in chunks(file.read()):
            found[kind] += body
    width, height, bits, color, _, _, interlaced = struct.unpack(">IIBBBBB", found[b"IHDR"])
    pixels = read_pixels(zlib.decompress(found[b"IDAT"]), width, height, bits, CHANNELS[color], interlaced)
    clear, palette = found.get(b"tRNS"), found[b"PLTE"]
    most = (1 << bits) - 1
    clear_color = struct.unpack(">%dH" % (len(clear) // 2), clear) if clear and color != 3 else None

    def convert(p):
        if color == 3:
            alpha = (clear[p[0]] if p[0] < len(clear) else 255,) if clear else ()
            return tuple(palette[3 * p[0] : 3 * p[0] + 3]) + alpha
        scaled = tuple((2 * x * 255 + most) // (2 * most) for x in p)
        return scaled + ((0 if p == clear_color else 255,) if clear else ())

    rows = [[convert(p) for p in row] for row in pixels]
    data = bytes(x for row in rows for p in row for x in p)
    return {("tensor", ""): ("uint8", [height, width, len(rows[0][0])], data.hex())}


# ---- Comparison ----

READERS = {
    ".pt": read_torch,
    ".pth": read_torch,
    ".safetensors": read_safetensors,
    ".npy": read_npy,
    ".npz": read_npz,
    ".png": read_png,
}


def parse(lines):
    """What PRINT_TENSORS says about each file: what was found, or an error."""
    files = {}
    for line in lines:
        word, rest = line.split(" ", 1)
        if word == "file":
            found = files[rest] = {}
        elif word == "error":
            files[rest.split(": ")[0]] = rest
        elif word == "tensor":
            name, dtype, shape, data = rest.split(" ")
            found["tensor", bytes.fromhex(name).decode()] = (dtype, json.loads(shape), data)
        else:
            key, value = rest.split(" ")
            found["value", bytes.fromhex(key).decode()] = bytes.fromhex(value).decode()
    return files


def same(expected, found):
    if expected == found:
        return True
    if not isinstance(expected, dict) or not isinstance(found, dict) or expected.keys() != found.keys():
        return False
    return all(expected[k] == found[k] or same_number(expected[k], found[k]) for k in expected)


def same_number(x, y):
    """Numbers may be printed with more digits than they need."""
    return isinstance(x, str) and isinstance(y, str) and x != "" and float(x) == float(y)


def main():
    program, folders = sys.argv[1], sys.argv[2:]
    paths = sorted(
        os.path.join(where, name)
        for folder in folders
        for where, _, names in os.walk(folder)
        for name in names
        if os.path.splitext(name)[1] in READERS
    )
    if not paths:
        print("no files below", *folders)
        return 77
    output = subprocess.run([program, *paths], check=True, stdout=subprocess.PIPE).stdout.decode()
    files, wrong, refused = parse(output.splitlines()), 0, 0
    for path in paths:
        try:
            expected = READERS[os.path.splitext(path)[1]](path)
        except Exception as reason:  # any reason: the file must be refused
            expected = None
            if isinstance(files[path], str):
                refused += 1
            else:
                print("%s is not refused, but: %r" % (path, reason))
                wrong += 1
            continue
        if not same(expected, files[path]):
            print("%s differs: %s" % (path, files[path] if isinstance(files[path], str) else "other contents"))
            wrong += 1
    print("%d files: %d read, %d refused, %d wrong" % (len(paths), len(paths) - refused - wrong, refused, wrong))
    return wrong > 0


if __name__ == "__main__":
    sys.exit(main())
