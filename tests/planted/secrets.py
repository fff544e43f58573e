"""Secrets planted in source, each with the rule that must find it, and look-alikes beside them.

No secret stands here whole: each is put together when a test runs, from parts or from seeded draws,
so that no other scanner, and no code host, takes this file for a leak.
"""

import base64
import random
import string
from functools import cache

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

ALNUM = string.ascii_letters + string.digits
HEX = "0123456789abcdef"
_ENCODINGS = {"PEM": serialization.Encoding.PEM, "DER": serialization.Encoding.DER}
_FORMATS = {
    "PKCS8": serialization.PrivateFormat.PKCS8,
    "TRADITIONAL": serialization.PrivateFormat.TraditionalOpenSSL,
    "OPENSSH": serialization.PrivateFormat.OpenSSH,
}


def drawn(length: int, alphabet: str = ALNUM, seed: int = 1) -> str:
    """Characters drawn at random, the same in every run."""
    return "".join(random.Random(f"{seed}/{length}").choices(alphabet, k=length))


def key_bytes(length: int, seed: int = 2) -> bytes:
    """Bytes as a key has them."""
    return random.Random(seed).randbytes(length)


def c_array(data: bytes) -> str:
    """Bytes as an initialiser's inside, eight in a row."""
    rows = [data[at : at + 8] for at in range(0, len(data), 8)]
    return ",\n  ".join(", ".join(f"0x{byte:02x}" for byte in row) for row in rows)


@cache
def _key(kind: str):
    if kind == "RSA":
        # Short on purpose: it is quick to make, and is found as a short key besides.
        return rsa.generate_private_key(65537, 1024)  # noqa: S505
    return (
        ec.generate_private_key(ec.SECP256R1())
        if kind == "EC"
        else (ed25519.Ed25519PrivateKey.generate())
    )


@cache
def private_key(kind: str, encoding: str, form: str, password: bytes = b"") -> bytes:
    """A fresh private key, written out."""
    sealed = (
        serialization.BestAvailableEncryption(password)
        if password
        else serialization.NoEncryption()
    )
    return _key(kind).private_bytes(_ENCODINGS[encoding], _FORMATS[form], sealed)


def in_c_strings(pem: bytes) -> str:
    """PEM as C code holds it."""
    return "\n".join(f'"{line}\\n"' for line in pem.decode().splitlines())


def in_source() -> dict[str, tuple[str, str, str]]:
    """Name of the defect -> file, content, rule."""
    p = "pass" + "word"
    key = key_bytes(16)
    return {
        **_arrays(key),
        "define": ("a.h", f'#define WIFI_{p.upper()} "Xq7-lamp9"', "hardcoded-secret"),
        "define known": ("a2.h", f'#define ADMIN_{p.upper()} "changeme"', "default-credential"),
        "define token": ("a3.h", f'#define API_TOKEN "{drawn(20)}"', "hardcoded-secret"),
        "define pin": ("a4.h", "#define BT_PAIRING_PIN 482913", "hardcoded-secret"),
        "define passkey": ("a5.h", "#define BLE_PASSKEY 123456", "default-credential"),
        "define hex key": ("a6.h", f'#define LORAWAN_APP_KEY "{key.hex()}"', "hardcoded-secret"),
        "struct member": (
            "b.c",
            f'cfg_t c = {{ .ssid = "x", .{p} = "Gr4pe-Vine" }};',
            "hardcoded-secret",
        ),
        "assignment": ("b2.c", f'  conf->wifi_{p} = "Gr4pe-Vine";', "hardcoded-secret"),
        "default argument": (
            "b3.py",
            f'def log_in(user, {p}="Gr4pe-Vine"):\n    pass\n',
            "hardcoded-secret",
        ),
        "default argument in C++": (
            "b4.cpp",
            f'bool open(const char* {p} = "Gr4pe-Vine");',
            "hardcoded-secret",
        ),
        "copied": ("b5.c", f'strcpy((char *)wifi.sta.{p}, "Gr4pe-Vine");', "hardcoded-secret"),
        "compared": (
            "b6.c",
            f'if (strcmp(entered_{p}, "Gr4pe-Vine") == 0) unlock();',
            "hardcoded-secret",
        ),
        "setter": ("b7.cpp", f'client.set{p.title()}("Gr4pe-Vine");', "hardcoded-secret"),
        "constant": ("b8.c", 'static const char api_key[] = "a8d7f6e5";', "hardcoded-secret"),
        "python literal": ("b9.py", f'DB_{p.upper()} = "Gr4pe-Vine"\n', "hardcoded-secret"),
        "python bytes": ("b10.py", f"KEY = bytes.fromhex('{key.hex()}')\n", "hardcoded-secret"),
        "rust": ("b11.rs", f'const AUTH_{p.upper()}: &str = "Gr4pe-Vine";', "hardcoded-secret"),
        **_settings(p, key),
        **_keys(),
        **_tokens(),
    }


def _arrays(key: bytes) -> dict[str, tuple[str, str, str]]:
    escaped = "".join(f"\\x{byte:02x}" for byte in key)
    words = ", ".join(f"0x{int.from_bytes(key[n : n + 4]):08x}u" for n in range(0, 16, 4))
    made = {
        "array": f"static const uint8_t aes_key[16] = {{{c_array(key)}}};",
        "array of char": f"const unsigned char K[] = {{{c_array(key)}}};",
        "array by typedef": f"static const u8 k[16]={{{c_array(key)}}};",
        "array over lines": f"uint8_t\n  session_key[KEY_LEN]\n  =\n{{\n  {c_array(key)},\n}};",
        "array with comments": "u8 devKey[16] = { /* first */ "
        + c_array(key[:8])
        + ", // rest\n  "
        + c_array(key[8:])
        + "};",
        "array of decimals": "unsigned char psk[16] = {" + ", ".join(map(str, key)) + "};",
        "array of words": f"uint32_t xtea_key[4] = {{{words}}};",
        "array in a macro": "#define APPKEY { \\\n  "
        + f"{c_array(key)[:46]} \\\n  , {c_array(key[8:])} }}",
        "array member": f"ctx_t c = {{ .id = 3, .master_key = {{{c_array(key)}}} }};",
        "string of escapes": f'static const char hmac_key[] = "{escaped}";',
        "counted up": "uint8_t encryption_key[16] = {"
        + ", ".join(f"0x{n:02x}" for n in range(16))
        + "};",
    }
    found = {name: (f"k{n}.c", text, "array-key") for n, (name, text) in enumerate(made.items())}
    python = f"AES_KEY = bytes([{', '.join(map(str, key))}])\n"
    rust = f"const NWK_KEY: [u8; 16] = [{c_array(key)}];"
    return found | {
        "array in Python": ("k.py", python, "array-key"),
        "array in Rust": ("k.rs", rust, "array-key"),
    }


def _settings(p: str, key: bytes) -> dict[str, tuple[str, str, str]]:
    basic = base64.b64encode(b"nurse:Gr4pe-Vine").decode()
    rows = {
        "json": ("c.json", f'{{"mqtt": {{"{p}": "Gr4pe-Vine"}}}}'),
        "yaml": ("c.yaml", f"broker:\n  user: pump\n  {p}: Gr4pe-Vine\n"),
        "yaml quoted": ("c2.yml", f"broker:\n  {p}: 'Gr4pe-Vine'\n"),
        "ini": ("c.ini", "[wifi]\nssid = ward\npsk = Gr4pe-Vine\n"),
        "env": (".env", f"MODE=1\nDB_{p.upper()}=Gr4pe-Vine\n"),
        "devicetree": ("c.dts", '/ { wifi { wifi-psk = "Gr4pe-Vine"; }; };'),
        "kconfig": (
            "Kconfig",
            f'config WIFI_{p.upper()}\n\tstring "Of the ward"\n\tdefault "Gr4pe-Vine"\n',
        ),
        "defconfig": ("prj.conf", 'CONFIG_WIFI=y\nCONFIG_WIFI_PSK="Gr4pe-Vine"\n'),
        "shell": ("c.sh", f"export AUTH_TOKEN={drawn(24)}\n"),
        "dockerfile": ("Dockerfile", f"FROM debian\nENV ROOT_{p.upper()}=Gr4pe-Vine\n"),
        "wpa_supplicant": (
            "wpa_supplicant.conf",
            'network={\n ssid="w"\n psk="Gr4pe-Vine"\n}\n',
        ),
        "xml": ("c.xml", f"<server><{p}>Gr4pe-Vine</{p}></server>"),
        "chpasswd": ("d.sh", "echo 'root:Gr4pe-Vine' | chpasswd\n"),
    }
    found = {name: (*row, "hardcoded-secret") for name, row in rows.items()}
    url = f"mqtt://pump:{'Gr4pe-Vine'}@broker.example:1883"
    crypt = "$6$" + drawn(8) + "$" + drawn(86)
    return found | {
        "url": ("e.c", f'const char *broker = "{url}";', "url-credential"),
        "basic": ("e2.c", f'send("Authorization: Basic {basic}");', "url-credential"),
        "shadow": ("shadow", f"root:{crypt}:19000:0:99999:7:::\n", "password-hash"),
        "no password": ("passwd", "root::0:0:root:/root:/bin/sh\n", "default-credential"),
        "known pair": ("e3.c", '{ "admin:" "x", "admin:admin", 0 }', "default-credential"),
        "random string": ("e4.c", f'blob = "{drawn(40)}";', "high-entropy"),
    }


def _keys() -> dict[str, tuple[str, str, str]]:
    plain = {
        "PKCS#8 PEM": private_key("EC", "PEM", "PKCS8").decode(),
        "PKCS#1 PEM": private_key("RSA", "PEM", "TRADITIONAL").decode(),
        "SEC1 PEM": private_key("EC", "PEM", "TRADITIONAL").decode(),
        "OpenSSH PEM": private_key("ED", "PEM", "OPENSSH").decode(),
        "PEM in C": f"const char *pem =\n{in_c_strings(private_key('EC', 'PEM', 'PKCS8'))};",
        "PGP": "-----BEGIN PGP PRIVATE " + "KEY BLOCK-----\nVersion: x\n\n" + drawn(64) + "\n",
        "PuTTY": "PuTTY-User-Key" + "-File-2: ssh-rsa\nEncryption: none\n",
        "SEC1 DER in C": f"u8 blob[] = {{{c_array(private_key('EC', 'DER', 'TRADITIONAL'))}}};",
        "PKCS#8 DER in C": f"u8 b[] = {{{c_array(private_key('ED', 'DER', 'PKCS8'))}}};",
        "RSA DER in C": f"u8 blob[] = {{{c_array(private_key('RSA', 'DER', 'TRADITIONAL'))}}};",
        "DER in base64": "x = '"
        + base64.b64encode(private_key("EC", "DER", "PKCS8")).decode()
        + "'",
    }
    found = {name: (f"p{n}.c", text, "private-key") for n, (name, text) in enumerate(plain.items())}
    sealed = private_key("EC", "PEM", "PKCS8", b"long enough").decode()
    return found | {"sealed PEM": ("p.pem", sealed, "sealed-private-key")}


def tokens() -> dict[str, str]:
    """Name of a service -> a token of its form."""
    middle = drawn(30)
    return {
        "AWS": "AK" + "IA" + drawn(16, string.ascii_uppercase + "234567"),
        "GitHub": "gh" + "p_" + drawn(36),
        "GitLab": "gl" + "pat-" + drawn(20),
        "Slack": "xo" + "xb-" + drawn(12, string.digits) + "-" + drawn(24),
        "Stripe": "sk_" + "live_" + drawn(24),
        "npm": "np" + "m_" + drawn(36),
        "PyPI": "pypi-" + "AgEIcHlwaS5vcmc" + drawn(60),
        "SendGrid": "S" + "G." + drawn(22) + "." + drawn(43),
        "Twilio": "S" + "K" + drawn(32, HEX),
        "Google": "AI" + "za" + drawn(35),
        "JWT": "ey" + "J" + drawn(20) + ".ey" + "J" + drawn(30) + "." + drawn(43),
        "Hugging Face": "h" + "f_" + drawn(34, string.ascii_letters),
        "DigitalOcean": "do" + "p_v1_" + drawn(64, HEX),
        "Azure": "DefaultEndpointsProtocol=https;Account" + "Key=" + drawn(86) + "==",
        "Azure SAS": "https://x.example/c?sv=2022-11-02&s" + "ig=" + drawn(43) + "%3D",
        "GCP": '{"type": "service_'
        + 'account", "private_key_id": "'
        + drawn(40, HEX)
        + '", "private_key": "x"}',
        "Telegram": drawn(9, string.digits) + ":A" + "A" + drawn(33),
        "OpenAI": "sk-" + middle[:20] + "T3Blbk" + "FJ" + drawn(20),
    }


def _tokens() -> dict[str, tuple[str, str, str]]:
    return {
        f"{name} token": (
            f"t{n}.json" if name == "GCP" else f"t{n}.c",
            f'x = "{token}";',
            "cloud-token",
        )
        for n, (name, token) in enumerate(tokens().items())
    }


def look_alikes() -> dict[str, tuple[str, str]]:
    """Name -> file and content that speak of secrets and hold none."""
    p = "pass" + "word"
    key = c_array(key_bytes(16))
    digest = drawn(64, HEX)
    return {
        "a length": ("a.h", f"#define {p.upper()}_PROMPT_LENGTH 16"),
        "a prompt": ("a.c", f'#define {p.upper()}_PROMPT "Enter {p}:"'),
        "a message": ("b.c", f'log("token %s is bad, {p} expired", name);'),
        "a format": ("c.h", '#define TOKEN_FORMAT "%08x"'),
        "a placeholder": ("d.h", f'#define {p.upper()} "<{p}>"'),
        "crosses": ("d2.h", f'#define {p.upper()} "xxxxxxxx"'),
        "a variable": ("e.yaml", f"{p}: ${{DB_{p.upper()}}}\ntoken: ${{{{ secrets.TOKEN }}}}\n"),
        "an example": ("f.conf", f"{p} = your-{p}-here\n"),
        "a template": ("g.yaml", f'{p}: "{{{{ vault_{p} }}}}"\n'),
        "empty keys": ("h.c", "static uint8_t key[16] = {0};\nuint8_t aes_key[16];"),
        "a public key": ("i.c", f"static const uint8_t public_key[16] = {{{key}}};"),
        "PEM of a public key": ("j.pem", "-----BEGIN PUBLIC KEY-----\n" + drawn(64) + "\n"),
        "a certificate": ("k.crt", "-----BEGIN CERTIFICATE-----\n" + drawn(64) + "\n"),
        "an S-box": ("l.c", f"static const uint8_t sbox[16] = {{{key}}};"),
        "a CRC table": ("m.c", f"static const uint32_t crc_table[4] = {{{key}}};"),
        "key codes": (
            "n.c",
            "const uint8_t keymap[16] = {1, 30, 48, 46, 32, 18, 33, 34, 35, 23, 36, 9};",
        ),
        "offsets": (
            "o.c",
            "static const int key_offsets[] = {0, 4, 8, 12, 90, 96, 128, 256, 300};",
        ),
        "a digest": ("p.yaml", f"sha256: {digest}\n"),
        "a lock file": ("package-lock.json", f'"integrity": "sha512-{drawn(86)}=="'),
        "a UUID": ("q.c", 'uuid = "6f0f3a5e-5a0c-5f0e-9a53-0d6d3a1a7f10";'),
        "an image": ("r.py", f'ICON = "data:image/png;base64,{drawn(90)}"'),
        "an alphabet": ("s.c", f'const char *digits = "{string.ascii_letters + string.digits}+/";'),
        "a path": ("t.c", '#define TOKEN_FILE "/etc/pump/token"\nkey = "/etc/pump/key.pem";'),
        "a field's name": ("u.js", f'const field = {{ {p}: "{p}_field" }}; x.token = "token";'),
        "a parser": ("v.c", 'token = "return"; if (strcmp(token, "begin") == 0) key = "name";'),
        "a URL": ("w.c", 'const char *token_url = "https://login.example/oauth/token";'),
        "a URL with variables": ("x.sh", 'curl "https://$USER:$PASS@host/x"\n'),
        "a manual's URL": ("y.c", f"/* socks5h://username:{p}@host */"),
        "a locked account": ("shadow", "daemon:*:19000:0:99999:7:::\nbin:!:19000:0:99999:7:::\n"),
        "AWS's own example": ("z.py", 'x = "AK' + 'IAIOSFODNN7EXAMPLE"'),
        "a timeout": ("a1.h", f"#define {p.upper()}_TIMEOUT_MS 15000"),
        "a getter": ("b1.py", f'{p} = os.environ["PUMP_{p.upper()}"]\ntoken = get_token("pump")\n'),
        "camel case": ("c1.py", 'name = "NetworkManagerConnectionSettings2Provider"'),
    }
