"""Checks an export of a ledger, written from docs/ledger-format.md alone, with nothing but Python.

    python3 verify.py KEY < export.jsonl

Prints `whole` or the first thing that is wrong, and ends with 0 or 1. Exports follow one another,
separated by empty lines, with --many: one answer a line.
"""

import base64
import hashlib
import json
import math
import sys


# Ed25519, verification only (RFC 8032 §5.1.7).

P = 2**255 - 19
Q = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, P - 2, P) % P


def add(a, b):
    """§5.1.4, in extended coordinates."""
    e1 = (a[1] - a[0]) * (b[1] - b[0]) % P
    e2 = (a[1] + a[0]) * (b[1] + b[0]) % P
    c = 2 * a[3] * b[3] * D % P
    d = 2 * a[2] * b[2] % P
    e, f, g, h = e2 - e1, d - c, d + c, e2 + e1
    return (e * f % P, g * h % P, f * g % P, e * h % P)


def times(number, point):
    product = (0, 1, 1, 0)
    while number > 0:
        if number & 1:
            product = add(product, point)
        point = add(point, point)
        number >>= 1
    return product


def same(a, b):
    return (a[0] * b[2] - b[0] * a[2]) % P == 0 and (a[1] * b[2] - b[1] * a[2]) % P == 0


def decode_point(data):
    """§5.1.3; None for what is no point."""
    y = int.from_bytes(data, "little")
    sign = y >> 255
    y &= (1 << 255) - 1
    if y >= P:
        return None
    x2 = (y * y - 1) * pow(D * y * y + 1, P - 2, P) % P
    if x2 == 0:
        return None if sign else (0, y, 1, 0)
    x = pow(x2, (P + 3) // 8, P)
    if (x * x - x2) % P != 0:
        x = x * pow(2, (P - 1) // 4, P) % P
    if (x * x - x2) % P != 0:
        return None
    if x & 1 != sign:
        x = P - x
    return (x, y, 1, x * y % P)


BASE_Y = 4 * pow(5, P - 2, P) % P
BASE = decode_point(BASE_Y.to_bytes(32, "little"))


def is_signed(key, message, signature):
    point, r = decode_point(key), decode_point(signature[:32])
    s = int.from_bytes(signature[32:], "little")
    if point is None or r is None or s >= Q:
        return False
    digest = hashlib.sha512(signature[:32] + key + message).digest()
    k = int.from_bytes(digest, "little") % Q
    return same(times(s, BASE), add(r, times(k, point)))


# Canonical JSON (RFC 8785).


def number_text(value):
    """As ECMAScript writes a number."""
    if isinstance(value, int):
        if abs(value) < 10**21:
            return str(int(float(value))) if abs(value) > 2**53 else str(value)
        value = float(value)
    if not math.isfinite(value):
        raise ValueError("no number of JSON")
    if value == 0:
        return "0"
    sign = "-" if value < 0 else ""
    digits, exponent = f"{abs(value)!r}", 0
    if "e" in digits:
        digits, power = digits.split("e")
        exponent = int(power)
    whole, _, part = digits.partition(".")
    part = "" if part == "0" else part
    place = len(whole) + exponent
    digits = (whole + part).lstrip("0")
    place -= len(whole + part) - len(digits)
    digits = digits.rstrip("0")
    n = len(digits)
    if n <= place <= 21:
        return sign + digits + "0" * (place - n)
    if 0 < place <= 21:
        return f"{sign}{digits[:place]}.{digits[place:]}"
    if -6 < place <= 0:
        return f"{sign}0.{'0' * -place}{digits}"
    mantissa = digits if n == 1 else f"{digits[0]}.{digits[1:]}"
    return f"{sign}{mantissa}e{'+' if place > 0 else '-'}{abs(place - 1)}"


def string_text(value):
    value.encode("utf-8")  # A half of a pair is no text.
    return json.dumps(value, ensure_ascii=False)


def canonical(value):
    if value is None or isinstance(value, bool):
        return json.dumps(value)
    if isinstance(value, str):
        return string_text(value)
    if isinstance(value, (int, float)):
        return number_text(value)
    if isinstance(value, list):
        return "[" + ",".join(map(canonical, value)) + "]"
    names = sorted(value, key=lambda name: name.encode("utf-16-be"))
    return "{" + ",".join(f"{string_text(n)}:{canonical(value[n])}" for n in names) + "}"


# The tree.


def sha256(data):
    return hashlib.sha256(data).digest()


def levels_of(size):
    bits = bin(size)[2:]
    return [len(bits) - 1 - at for at, bit in enumerate(bits) if bit == "1"]


class Tree:
    """Complete subtrees, largest first, as pairs of level and hash."""

    def __init__(self, peaks=()):
        self.peaks = list(peaks)

    def append(self, leaf):
        level, node = 0, leaf
        while self.peaks and self.peaks[-1][0] == level:
            node = sha256(b"\x01" + self.peaks.pop()[1] + node)
            level += 1
        self.peaks.append((level, node))

    def root(self):
        if not self.peaks:
            return sha256(b"")
        node = self.peaks[-1][1]
        for _, left in reversed(self.peaks[:-1]):
            node = sha256(b"\x01" + left + node)
        return node


# Notes.


class Wrong(Exception):
    pass


def decode64(text):
    try:
        data = base64.b64decode(text, validate=True)
    except ValueError:
        raise Wrong("not base64")
    if base64.b64encode(data).decode() != text:
        raise Wrong("not base64 as it is written")
    return data


def read_key(text):
    name, key_id, encoded = text.strip().split("+", 2)
    data = decode64(encoded)
    expected = sha256(name.encode() + b"\n" + data)[:4]
    if len(data) != 33 or data[0] != 1 or expected.hex() != key_id:
        raise Wrong("not a key")
    return name, expected, data[1:]


def read_note(note):
    """The text of a note, and its signatures as name, id of the key, and bytes."""
    at = note.rfind("\n\n")
    if at == -1 or not note.endswith("\n"):
        raise Wrong("no note")
    text, lines = note[: at + 1], note[at + 2 : -1].split("\n")
    signatures = []
    for line in lines:
        dash, name, encoded = (line.split(" ") + ["", ""])[:3]
        if dash != "—" or line.count(" ") != 2:
            raise Wrong("no line of a signature")
        data = decode64(encoded)
        signatures.append((name, data[:4], data[4:]))
    return text, signatures


def has_signed(key, text, signatures):
    name, key_id, public = key
    own = [sig for other, other_id, sig in signatures if (other, other_id) == (name, key_id)]
    return len(own) == 1 and len(own[0]) == 64 and is_signed(public, text.encode(), own[0])


def read_checkpoint(note, keys):
    """The name, size and root of a checkpoint that one of these keys has signed."""
    text, signatures = read_note(note)
    fields = text.split("\n")
    if len(fields) < 4 or not fields[1].isdecimal() or str(int(fields[1])) != fields[1]:
        raise Wrong("no checkpoint")
    if any(has_signed(key, text, signatures) for key in keys):
        return fields[0], int(fields[1]), decode64(fields[2])
    raise Wrong("not signed by a trusted key")


def handed_over(body, origin, keys):
    """The key that an entry of the kind `ledger.key` names, if one of these keys vouches for it."""
    text, signatures = read_note(body.get("handover", ""))
    fields = text.split("\n")
    if len(fields) != 5 or fields[0] != "countersign-ledger-key/1" or fields[1] != origin:
        raise Wrong("no handover")
    key = read_key(fields[3])
    if fields[3] != body.get("key") or not has_signed(key, text, signatures):
        raise Wrong("a key that has not signed its handover")
    if fields[2] == "lost":
        return None
    before = read_key(fields[2])
    if not has_signed(before, text, signatures):
        raise Wrong("a handover without the key before")
    return key if before in keys else None


# Exports.


def check(lines, keys):
    """Raises Wrong at the first thing that is wrong."""
    keys = list(keys)
    values = [
        json.loads(line, parse_constant=refuse, object_pairs_hook=once) for line in lines if line
    ]
    if len(values) < 2 or not all(isinstance(value, dict) for value in values):
        raise Wrong("no export")
    head, *parts, last = values
    if head.get("ledger") != "countersign-ledger/1":
        raise Wrong("no export")
    tree, count, signed, named = Tree(), 0, 0, []
    for value in parts:
        if "entry" in value:
            entry = value["entry"]
            if not is_entry(entry) or value.get("n") != count:
                raise Wrong(f"entry {count}")
            leaf = sha256(b"\x00" + canonical(entry).encode())
            if value.get("leaf") != base64.b64encode(leaf).decode():
                raise Wrong(f"entry {count}")
            if entry["kind"] == "ledger.key":
                key = handed_over(entry["body"], head.get("origin"), keys + named)
                named += [key] if key else []
            tree.append(leaf)
            count += 1
        elif "checkpoint" in value:
            origin, size, root = read_checkpoint(value["checkpoint"], keys)
            if (origin, size, root) != (head.get("origin"), count, tree.root()):
                raise Wrong(f"the checkpoint after {count}")
            keys += named
            signed, named = count, []
        else:
            raise Wrong("neither an entry nor a checkpoint")
    if last.get("end") != count or "entry" in last or "checkpoint" in last or signed != count:
        raise Wrong("the end")


def once(members):
    value = dict(members)
    if len(value) < len(members):
        raise Wrong("a member that is there twice")
    return value


def refuse(name):
    raise Wrong(f"{name} is no JSON")


def is_entry(entry):
    return (
        isinstance(entry, dict)
        and set(entry) <= {"at", "kind", "call", "body"}
        and isinstance(entry.get("at"), int)
        and not isinstance(entry.get("at"), bool)
        and isinstance(entry.get("kind"), str)
        and isinstance(entry.get("body"), dict)
        and isinstance(entry.get("call", ""), str)
    )


def answer(lines, keys):
    try:
        check(lines, keys)
        return "whole"
    except (Wrong, ValueError, TypeError, AttributeError, RecursionError) as why:
        return f"not whole: {why}"


def main(arguments):
    keys = [read_key(arguments[0])]
    text = sys.stdin.read()
    if "--many" in arguments:
        for export in text.split("\n\n"):
            print(answer(export.split("\n"), keys))
        return 0
    said = answer(text.split("\n"), keys)
    print(said)
    return 0 if said == "whole" else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
