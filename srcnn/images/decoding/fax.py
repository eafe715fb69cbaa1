"""Check CCITT fax data (ITU-T T.4 and T.6): every row must be coded completely and validly.

libtiff fills in rows that it cannot decode, and reports success.
"""

from __future__ import annotations

from array import array

import numpy as np

from srcnn.errors import DamagedImageError

# T.4, tables 2 and 3: the code words of runs 0 to 63, then of 64, 128 .. 1728, in binary.
_WHITE = (
    "00110101 000111 0111 1000 1011 1100 1110 1111 10011 10100 00111 01000 001000 000011 110100 "
    "110101 101010 101011 0100111 0001100 0001000 0010111 0000011 0000100 0101000 0101011 0010011 "
    "0100100 0011000 00000010 00000011 00011010 00011011 00010010 00010011 00010100 00010101 "
    "00010110 00010111 00101000 00101001 00101010 00101011 00101100 00101101 00000100 00000101 "
    "00001010 00001011 01010010 01010011 01010100 01010101 00100100 00100101 01011000 01011001 "
    "01011010 01011011 01001010 01001011 00110010 00110011 00110100 "
    "11011 10010 010111 0110111 00110110 00110111 01100100 01100101 01101000 01100111 011001100 "
    "011001101 011010010 011010011 011010100 011010101 011010110 011010111 011011000 011011001 "
    "011011010 011011011 010011000 010011001 010011010 011000 010011011"
)
_BLACK = (
    "0000110111 010 11 10 011 0011 0010 00011 000101 000100 0000100 0000101 0000111 00000100 "
    "00000111 000011000 0000010111 0000011000 0000001000 00001100111 00001101000 00001101100 "
    "00000110111 00000101000 00000010111 00000011000 000011001010 000011001011 000011001100 "
    "000011001101 000001101000 000001101001 000001101010 000001101011 000011010010 000011010011 "
    "000011010100 000011010101 000011010110 000011010111 000001101100 000001101101 000011011010 "
    "000011011011 000001010100 000001010101 000001010110 000001010111 000001100100 000001100101 "
    "000001010010 000001010011 000000100100 000000110111 000000111000 000000100111 000000101000 "
    "000001011000 000001011001 000000101011 000000101100 000001011010 000001100110 000001100111 "
    "0000001111 000011001000 000011001001 000001011011 000000110011 000000110100 000000110101 "
    "0000001101100 0000001101101 0000001001010 0000001001011 0000001001100 0000001001101 "
    "0000001110010 0000001110011 0000001110100 0000001110101 0000001110110 0000001110111 "
    "0000001010010 0000001010011 0000001010100 0000001010101 0000001011010 0000001011011 "
    "0000001100100 0000001100101"
)
# T.4, table 3b: 1792, 1856 .. 2560, of both colours.
_LONG = (
    "00000001000 00000001100 00000001101 000000010010 000000010011 000000010100 000000010101 "
    "000000010110 000000010111 000000011100 000000011101 000000011110 000000011111"
)
# T.4, table 4: two-dimensional modes.
_PASS, _HORIZONTAL = 100, 101
_MODES = {"0001": _PASS, "001": _HORIZONTAL, "1": 0, "011": 1, "000011": 2, "0000011": 3}
_MODES |= {"010": -1, "000010": -2, "0000010": -3}
_LONGEST = 13  # bits of a code word
_EOL_ZEROS = 11
_TERMINATING = 64  # shorter runs end a sequence of code words
_END_BYTES = 12  # an end of block, or six ends of line, with padding
_DAMAGED = "the file is damaged: its fax data breaks off, or has a wrong code, at row {} of {}"


def _index(codes: dict[str, int]) -> list[tuple[int, int]]:
    """Value and length of the code word that every sequence of 13 bits starts with."""
    table = [(0, 0)] * 2**_LONGEST
    for word, value in codes.items():
        free = _LONGEST - len(word)
        first = int(word, 2) << free
        table[first : first + 2**free] = [(value, len(word))] * 2**free
    return table


def _index_runs(words: str) -> list[tuple[int, int]]:
    runs = [*range(64), *range(64, 1729, 64), *range(1792, 2561, 64)]
    return _index(dict(zip(f"{words} {_LONG}".split(), runs, strict=True)))


_RUNS = (_index_runs(_WHITE), _index_runs(_BLACK))
_MODE_TABLE = _index(_MODES)


class _WrongCodeError(Exception):
    """Bits that are no code word, or one that does not fit its row."""


class FaxReader:
    """Decodes rows of fax data to the positions where the colour changes."""

    def __init__(self, data: bytes, columns: int) -> None:
        """Start at the first bit.

        Args:
            data: coded, the first pixel in the highest bit.
            columns: pixels of a row.
        """
        padded = np.frombuffer(data + bytes(4), np.uint8).astype(np.uint32)
        windows = padded[:-2] << 16 | padded[1:-1] << 8 | padded[2:]
        self._windows = array("I", windows.tobytes())  # 24 bits from each byte on
        self._columns = columns
        self._data = data
        self.at = 0  # in bits

    def check_group4(self, rows: int) -> None:
        """Check data of T.6.

        Raises:
            DamagedImageError: a row is missing or wrong.
        """
        previous: list[int] = []
        for row in range(rows):
            try:
                previous = self._read_relative(previous)
            except (_WrongCodeError, IndexError) as error:
                raise DamagedImageError(_DAMAGED.format(row, rows)) from error
        self._check_end()

    def check_group3(self, rows: int, *, two_dimensional: bool) -> None:
        """Check data of T.4, whose rows usually begin with an end of line.

        Raises:
            DamagedImageError: a row is missing or wrong.
        """
        previous: list[int] = []
        for row in range(rows):
            try:
                relative = self._skip_end_of_line() and two_dimensional and not self._take_bit()
                previous = self._read_relative(previous) if relative else self._read_runs()
            except (_WrongCodeError, IndexError) as error:
                raise DamagedImageError(_DAMAGED.format(row, rows)) from error
        self._check_end()

    def check_aligned(self, rows: int, bits: int) -> None:
        """Check rows without ends of line, each of which starts at a multiple of 8 or 16 bits.

        Raises:
            DamagedImageError: a row is missing or wrong.
        """
        for row in range(rows):
            try:
                self._read_runs()
            except (_WrongCodeError, IndexError) as error:
                raise DamagedImageError(_DAMAGED.format(row, rows)) from error
            self.at = -(-self.at // bits) * bits
        self._check_end()

    def _check_end(self) -> None:
        """After the rows, there is nothing but an end mark and zeros."""
        rest = self._data[-(-self.at // 8) :].rstrip(b"\0")
        if self.at > 8 * len(self._data) or len(rest) > _END_BYTES:
            raise DamagedImageError("the file is damaged: its fax data does not end with its rows")

    def _peek(self, count: int) -> int:
        return self._windows[self.at >> 3] >> (24 - count - (self.at & 7)) & ((1 << count) - 1)

    def _take_bit(self) -> int:
        bit = self._peek(1)
        self.at += 1
        return bit

    def _skip_end_of_line(self) -> bool:
        """Skip an end of line and the fill bits before it, if there are any."""
        if self._peek(_EOL_ZEROS):
            return False
        while not self._take_bit():
            pass
        return True

    def _read_run(self, colour: int) -> int:
        table, windows, total = _RUNS[colour], self._windows, 0
        while True:
            at = self.at
            run, length = table[windows[at >> 3] >> (11 - (at & 7)) & 0x1FFF]
            if not length:
                raise _WrongCodeError
            self.at = at + length
            total += run
            if run < _TERMINATING:
                return total

    def _read_runs(self) -> list[int]:
        """Read a row that is coded by itself (T.4, section 4.1)."""
        changes, at, colour = [], 0, 0
        while at < self._columns:
            at += self._read_run(colour)
            changes.append(at)
            colour = 1 - colour
        if at > self._columns:
            raise _WrongCodeError
        return changes

    def _read_relative(self, previous: list[int]) -> list[int]:
        """Read a row that is coded by its changes from the previous one (T.4, section 4.2)."""
        columns, windows = self._columns, self._windows
        above = [*previous, columns, columns, columns, columns]
        changes: list[int] = []
        at, colour, index = -1, 0, 0
        while at < columns:
            while above[index] <= at:  # the next change above, to the other colour
                index += 2
            position = self.at
            mode, length = _MODE_TABLE[windows[position >> 3] >> (11 - (position & 7)) & 0x1FFF]
            if not length:
                raise _WrongCodeError
            self.at = position + length
            if mode == _PASS:
                at = above[index + 1]
                continue
            if mode == _HORIZONTAL:
                first = max(at, 0) + self._read_run(colour)
                at = first + self._read_run(1 - colour)
                changes += (first, at)
            else:
                following = above[index] + mode
                if following < max(at, 0):
                    raise _WrongCodeError
                at = following
                changes.append(at)
                colour = 1 - colour
                index += -1 if index else 1
            if at > columns:
                raise _WrongCodeError
        return changes
