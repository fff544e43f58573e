"""Drift: what the binary and the SBOM have and the threat model does not know.

An interface that nobody modelled is one that nobody defended.  Detection is by names that linkers
and strings leave behind, so its silence proves nothing; what it finds is there.
"""

import re
from collections.abc import Iterable, Iterator
from datetime import date
from typing import Final

from firmward.vendor.scan.sarif import Finding, Rule, Run, run
from firmward.vendor.threats.assess import Assessment
from firmward.vendor.threats.model import Kind, Model

TOOL: Final = "firmward-threats"
VERSION: Final = "1.0.0"

RULES: Final = (
    Rule("unmodelled-interface", "error", "The binary has an interface that the model lacks", 1059),
    Rule("unmodelled-component", "error", "The SBOM has a component that the model lacks", 1059),
    Rule("stale-component", "warning", "The model names a component that the SBOM lacks", 1059),
    Rule("stale-answer", "warning", "An answer fits no threat of the library on this model", 1059),
    Rule("not-covered", "error", "The model was not reviewed for this version", 1059),
    Rule("not-reviewed", "warning", "The model was last reviewed more than a year ago", 1059),
    Rule("open-threat", "error", "A threat with unacceptable risk is open"),
    Rule("open-tolerable-threat", "warning", "A threat is open"),
)
_BY_ID: Final = {rule.id: rule for rule in RULES}

# Beginnings of symbol names, and strings, by which vendors' and open libraries are recognised.
_SYMBOLS: Final[tuple[tuple[Kind, str], ...]] = (
    (
        "uart",
        r"(?:hal_|ll_|nrfx_|am_)?(?:u[s]?art|lpuart|serial)_?(?:init|read|write|rx|tx|recv|s)",
    ),
    ("usb", r"(?:usbd?_|tud_|tuh_|tusb_|hal_pcd_)"),
    ("can", r"(?:hal_(?:fd)?can_|can_(?:init|send|recv|receive|transmit)|mcan_|isotp_)"),
    ("spi", r"(?:hal_spi_|spi_(?:init|transfer|transceive|write|read))"),
    ("i2c", r"(?:hal_i2c_|i2c_(?:init|transfer|write|read|master))"),
    ("debug-port", r"(?:segger_rtt_|itm_sendchar|gdb_?stub|swo_)"),
    ("bluetooth", r"(?:bt_(?:enable|conn|gatt|le)|ble_(?:gap|gatts?|hs)|esp_(?:ble|bt)_|sd_ble_)"),
    ("wifi", r"(?:esp_wifi_|cyw43_|wifi_(?:init|connect|start)|wpa_supplicant|whd_)"),
    ("ethernet", r"(?:hal_eth_|ethernetif_|eth_(?:init|send|recv)|etharp_)"),
    ("cellular", r"(?:modem_(?:init|at)|lte_(?:lc_|init)|nrf_modem_|gsm_)"),
    ("nfc", r"(?:nfc_|rfal|st25|pn532_)"),
    ("lora", r"(?:lorawan_|lorama[cn]|sx127|sx126)"),
    ("http", r"(?:httpd?_(?:server|parser|start|init|client)|mg_http|esp_http|altcp_http)"),
    ("mqtt", r"(?:mqtt_(?:client|connect|publish|subscribe|init)|mosquitto_|esp_mqtt)"),
    ("dicom", r"(?:dcm|dicom)_"),
    ("telnet", r"telnetd?_"),
    ("ssh", r"(?:dropbear|sshd?_(?:server|bind|packet|init)|wolfssh_)"),
    ("modbus", r"(?:modbus_|mb_?slave|emb_?init)"),
    ("removable-media", r"(?:f_mount|sd_?mmc_|hal_sd_|msc_(?:init|read))"),
    ("firmware-update", r"(?:esp_ota_|boot_(?:request|write_img|set_pending)|mcumgr_|dfu_|fota_)"),
)
_STRINGS: Final[tuple[tuple[Kind, bytes], ...]] = (
    ("http", rb"HTTP/1\.[01] \d{3}|GET %s HTTP|Content-Length: %"),
    ("mqtt", rb"\bMQIsdp\b|mqtts?://"),
    ("telnet", rb"\btelnetd\b"),
    ("ssh", rb"SSH-2\.0-"),
    ("bluetooth", rb"\bBLE_GAP\b|Bluetooth"),
    ("wifi", rb"\bwpa_supplicant\b|\bWPA2?-PSK\b"),
    ("cellular", rb"\bAT\+C(?:GDCONT|REG|FUN)\b"),
    ("dicom", rb"\bDICM\b|1\.2\.840\.10008\."),
)
_PATTERNS: Final = tuple((kind, re.compile(rf"_*{text}", re.IGNORECASE)) for kind, text in _SYMBOLS)


def interfaces(symbols: Iterable[str], binary: bytes) -> dict[Kind, str]:
    """Kind of interface -> the symbol or string that gives it away."""
    found: dict[Kind, str] = {}
    for symbol in symbols:
        for kind, pattern in _PATTERNS:
            if kind not in found and pattern.match(symbol):
                found[kind] = f"symbol {symbol[:80]}"
    for kind, text in _STRINGS:
        seen = None if kind in found else re.search(text, binary)
        if seen:
            found[kind] = f"string {seen[0][:40].decode(errors='replace')!r}"
    return found


def drift(
    model: Model, components: Iterable[str], found: dict[Kind, str], version: str, today: date
) -> Iterator[Finding]:
    """What the model and the release do not agree on.  `components` are names in the SBOM."""
    modelled = {door.kind for door in model.interfaces}
    for kind, by in sorted(found.items()):
        if kind not in modelled:
            yield _finding("unmodelled-interface", f"{kind}, by {by}")
    present = {name.lower() for name in components}
    named = {name.lower() for part in model.parts for name in part.implements}
    for name in sorted(present - named):
        yield _finding("unmodelled-component", name)
    for name in sorted(named - present):
        yield _finding("stale-component", name)
    if version not in model.covers:
        yield _finding("not-covered", f"{version} is not among {', '.join(model.covers)[:200]}")
    if (today - model.reviewed).days > 365:
        yield _finding("not-reviewed", model.reviewed.isoformat())


def scanned(assessment: Assessment, drifted: Iterable[Finding], path: str) -> Run:
    """Drift and open threats as a SARIF run, for everything that reads findings."""
    found = [_at(path, each) for each in drifted]
    found += [_at(path, _finding("stale-answer", each)) for each in assessment.stale]
    for each in assessment.open:
        rule = "open-threat" if each.band == "unacceptable" else "open-tolerable-threat"
        lacks = "".join(f"; {control} lacks {what}" for control, what in each.failed)
        says = f"{each.threat.title} ({each.threat.id} on {each.element}, {each.band}): "
        found.append(_at(path, _finding(rule, f"{says}{each.why or 'open'}{lacks}")))
    return run(TOOL, VERSION, RULES, found)


def _finding(rule: str, says: str) -> Finding:
    known = _BY_ID[rule]
    return Finding(path="", line=0, rule=rule, level=known.level, message=f"{known.says}: {says}")


def _at(path: str, found: Finding) -> Finding:
    return Finding(path, found.line, found.rule, found.level, found.message)
