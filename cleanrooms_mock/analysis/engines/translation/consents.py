"""Consent strings of the IAB: the Transparency and Consent Framework's (TCF v2), and the Global Privacy Platform's (GPP v1)."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from cleanrooms_mock.analysis.engines.data_types import BOOLEAN, INT, STRING, TIMESTAMP, array, struct

_RESTRICTION = struct({"purpose": INT, "restrictionType": INT, "vendors": array(INT)})
#: What consent_tcf_v2_decode gives.
TCF = struct(
    {
        "version": INT,
        "created": TIMESTAMP,
        "lastUpdated": TIMESTAMP,
        "cmpId": INT,
        "cmpVersion": INT,
        "consentScreen": INT,
        "consentLanguage": STRING,
        "vendorListVersion": INT,
        "tcfPolicyVersion": INT,
        "isServiceSpecific": BOOLEAN,
        "useNonStandardStacks": BOOLEAN,
        "specialFeatureOptIns": array(INT),
        "purposeConsent": array(INT),
        "purposesLITransparency": array(INT),
        "purposeOneTreatment": BOOLEAN,
        "publisherCountryCode": STRING,
        "vendorConsent": array(INT),
        "vendorLegitimateInterest": array(INT),
        "pubRestrictionEntry": array(_RESTRICTION),
        "disclosedVendors": array(INT),
        "pubPurposesConsent": array(INT),
        "pubPurposesLITransparency": array(INT),
        "customPurposesConsent": array(INT),
        "customPurposesLITransparency": array(INT),
    }
)
#: What consent_gpp_v1_decode gives: of the section for the European Union, which alone has such members.
GPP = struct(
    {
        "version": INT,
        "cmpId": INT,
        "cmpVersion": INT,
        "consentScreen": INT,
        "consentLanguage": STRING,
        "vendorListVersion": INT,
        "publisherCountryCode": STRING,
        "purposeConsent": array(INT),
        "purposeLegitimateInterest": array(INT),
        "specialFeatureOptIns": array(INT),
        "vendorConsent": array(INT),
        "vendorLegitimateInterest": array(INT),
    }
)
_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001  without a zone, as times are here
_TCF_SECTION = 2
_DISCLOSED_VENDORS, _PUBLISHER_TC = 1, 3


class _Bits:
    """The bits of one segment, read from the left; what is missing at the end is 0."""

    def __init__(self, text: str) -> None:
        padded = text + "=" * (-len(text) % 4)
        self._bits = "".join(f"{byte:08b}" for byte in base64.b64decode(padded, altchars=b"-_", validate=True))
        self._at = 0

    def number(self, size: int) -> int:
        if self._at >= len(self._bits):
            raise ValueError("a segment ends too early")
        found = self._bits[self._at : self._at + size].ljust(size, "0")
        self._at += size
        return int(found, 2)

    def flag(self) -> bool:
        return self.number(1) == 1

    def letters(self, count: int) -> str:
        return "".join(chr(ord("A") + self.number(6)) for _ in range(count))

    def time(self) -> datetime:
        return _EPOCH + timedelta(milliseconds=100 * self.number(36))

    def flags(self, count: int) -> list[int]:
        """Return the numbers, from 1, of the bits that are set."""
        return [number for number in range(1, count + 1) if self.flag()] if count else []

    def vendors(self) -> list[int]:
        """Return vendors given as a field of bits, or as ranges."""
        last = self.number(16)
        if not self.flag():
            return self.flags(last)
        return self.ranges()

    def ranges(self) -> list[int]:
        found: list[int] = []
        for _ in range(self.number(12)):
            is_range = self.flag()
            first = self.number(16)
            end = self.number(16) if is_range else first
            if end < first:
                raise ValueError("a range ends before it begins")
            found.extend(range(first, end + 1))
        return found

    def fibonacci(self) -> int:
        """Return a number coded by Fibonacci, which ends with two bits set."""
        total, last, (one, other) = 0, False, (1, 2)
        while True:
            bit = self.flag()
            if bit and last:
                return total
            total += one if bit else 0
            last, one, other = bit, other, one + other


def decoded_tcf(text: str | None) -> dict[str, Any] | None:
    """Return what a TCF string says, ``None`` if it is none."""
    return _safely(_tcf, text)


def decoded_gpp(text: str | None) -> dict[str, Any] | None:
    """Return what a GPP string says of consent in the European Union, ``None`` if it is none; without that section just its version."""
    return _safely(_gpp, text)


def _safely(decode: Callable[[str], dict[str, Any]], text: str | None) -> dict[str, Any] | None:
    if text is None:
        return None
    try:
        return decode(text.strip())
    except (ValueError, binascii.Error):
        return None


def _tcf(text: str) -> dict[str, Any]:
    core, *segments = text.split(".")
    bits = _Bits(core)
    found: dict[str, Any] = dict.fromkeys(TCF.fields)
    found["version"] = bits.number(6)
    if found["version"] != 2:
        raise ValueError("not version 2")
    found["created"], found["lastUpdated"] = bits.time(), bits.time()
    found["cmpId"], found["cmpVersion"], found["consentScreen"] = bits.number(12), bits.number(12), bits.number(6)
    found["consentLanguage"] = bits.letters(2)
    found["vendorListVersion"], found["tcfPolicyVersion"] = bits.number(12), bits.number(6)
    found["isServiceSpecific"], found["useNonStandardStacks"] = bits.flag(), bits.flag()
    found["specialFeatureOptIns"], found["purposeConsent"] = bits.flags(12), bits.flags(24)
    found["purposesLITransparency"], found["purposeOneTreatment"] = bits.flags(24), bits.flag()
    found["publisherCountryCode"] = bits.letters(2)
    found["vendorConsent"], found["vendorLegitimateInterest"] = bits.vendors(), bits.vendors()
    found["pubRestrictionEntry"] = [
        {"purpose": bits.number(6), "restrictionType": bits.number(2), "vendors": bits.ranges()}
        for _ in range(bits.number(12))
    ]
    for segment in segments:
        _add_segment(found, _Bits(segment))
    return found


def _add_segment(found: dict[str, Any], bits: _Bits) -> None:
    kind = bits.number(3)
    if kind == _DISCLOSED_VENDORS:
        found["disclosedVendors"] = bits.vendors()
    elif kind == _PUBLISHER_TC:
        found["pubPurposesConsent"], found["pubPurposesLITransparency"] = bits.flags(24), bits.flags(24)
        custom = bits.number(6)
        found["customPurposesConsent"] = bits.flags(custom)
        found["customPurposesLITransparency"] = bits.flags(custom)


def _gpp(text: str) -> dict[str, Any]:
    header, *sections = text.split("~")
    bits = _Bits(header + "A" * (-len(header) % 4))
    if bits.number(6) != 3:
        raise ValueError("not a header")
    found: dict[str, Any] = dict.fromkeys(GPP.fields)
    found["version"] = bits.number(6)
    numbers: list[int] = []
    last = 0
    for _ in range(bits.number(12)):
        is_range = bits.flag()
        first = last + bits.fibonacci()
        last = first + bits.fibonacci() if is_range else first
        numbers.extend(range(first, last + 1))
    if len(numbers) != len(sections):
        raise ValueError("the header names other sections")
    for number, section in zip(numbers, sections, strict=True):
        if number == _TCF_SECTION:
            core = _tcf(section)
            found |= {name: core[name] for name in GPP.fields if name in core and name != "version"}
            found["purposeLegitimateInterest"] = core["purposesLITransparency"]
    return found
