"""Trees in which a dependency is fetched and nothing fixes what comes.

Each planted defect is a row: the tree's file, what is fetched, and the rule that it breaks.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Tree:
    """A tree's files, and (path, name, rule) of each defect planted in it."""

    files: dict[str, str]
    planted: tuple[tuple[str, str, str], ...]


SHA = "3f2b8c1d9e0a4b5c6d7e8f90112233445566778a"
SUM = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"

ZEPHYR = Tree(
    {
        "west.yml": f"""\
manifest:
  defaults:
    remote: upstream
  remotes:
    - name: upstream
      url-base: https://git.example/zephyr
  projects:
    - name: zephyr
      revision: main
      import: true
    - name: hal_nordic
      revision: v3.5.0
    - name: cmsis
      revision: {SHA}
    - name: mcuboot
  self:
    path: app
    import: submanifests
""",
        "submanifests/more.yml": "manifest:\n  projects: [{name: lvgl, revision: v8.3-branch}]\n",
        ".gitmodules": """\
[submodule "tools"]
\tpath = tools
\turl = https://git.example/tools.git
\tbranch = develop
[submodule "fixed"]
\tpath = fixed
\turl = https://git.example/fixed.git
""",
        "modules/lz4/lz4.wrap": "[wrap-git]\nurl = https://git.example/lz4\nrevision = head\n",
        "subprojects/zlib.wrap": "[wrap-file]\nsource_url = https://x.example/zlib.tar.gz\n",
    },
    (
        ("west.yml", "zephyr", "pin-branch"),
        ("west.yml", "hal_nordic", "pin-tag"),
        ("west.yml", "mcuboot", "pin-branch"),
        ("submanifests/more.yml", "lvgl", "pin-branch"),
        (".gitmodules", "tools", "pin-branch"),
        ("modules/lz4/lz4.wrap", "lz4", "pin-branch"),
        ("subprojects/zlib.wrap", "zlib", "pin-checksum"),
    ),
)

ARDUINO = Tree(
    {
        "platformio.ini": f"""\
[common]
lib_deps =
    adafruit/Adafruit BusIO
    bblanchon/ArduinoJson @ ^6.21.3
    knolleary/PubSubClient@2.8   ; exact, but no digest
    https://git.example/pump/valve.git#main
    https://git.example/pump/motor.git#{SHA}

[env:pump]
platform = espressif32
board = esp32dev
platform_packages = framework-arduinoespressif32 @ https://git.example/core.git
lib_deps = ${{common.lib_deps}}
""",
        "library.properties": "name=Pump\nversion=1.0.0\ndepends=Wire, RTClib (>=2.1.1)\n",
        "main/idf_component.yml": """\
dependencies:
  idf: ">=5.0"
  espressif/led_strip: "^2.0.0"
  local: {path: ../components/local}
""",
        "mbed-os.lib": "https://git.example/mbed-os/#mbed-os-6.17.0\n",
    },
    (
        ("platformio.ini", "adafruit/Adafruit BusIO", "pin-none"),
        ("platformio.ini", "bblanchon/ArduinoJson", "pin-range"),
        ("platformio.ini", "knolleary/PubSubClient", "pin-tag"),
        ("platformio.ini", "valve", "pin-branch"),
        ("platformio.ini", "espressif32", "pin-none"),
        ("platformio.ini", "framework-arduinoespressif32", "pin-branch"),
        ("library.properties", "Wire", "pin-none"),
        ("library.properties", "RTClib", "pin-range"),
        ("main/idf_component.yml", "espressif/led_strip", "pin-lock"),
        ("mbed-os.lib", "mbed-os", "pin-tag"),
    ),
)

CPP = Tree(
    {
        "CMakeLists.txt": f"""\
cmake_minimum_required(VERSION 3.20)
include(FetchContent)
set(FMT_TAG "master")  # moved below
FetchContent_Declare(fmt GIT_REPOSITORY https://git.example/fmt.git GIT_TAG ${{FMT_TAG}})
FetchContent_Declare(
  json
  URL https://x.example/json.tar.xz
)
ExternalProject_Add(mbedtls GIT_REPOSITORY https://git.example/mbedtls GIT_TAG v3.5.0)
FetchContent_Declare(fixed GIT_REPOSITORY https://git.example/fixed GIT_TAG {SHA})
FetchContent_Declare(nameless GIT_REPOSITORY https://git.example/nameless)
CPMAddPackage("gh:nlohmann/json@3.11.2")
file(DOWNLOAD https://x.example/ca.pem ${{CMAKE_BINARY_DIR}}/ca.pem)
file(DOWNLOAD https://x.example/ok.bin ok.bin EXPECTED_HASH SHA256={SUM})
""",
        "conanfile.txt": "[requires]\nzlib/[>=1.2.11 <2]\nopenssl/3.1.2\n[generators]\nCMakeDeps\n",
        "tools/conanfile.py": """\
from conan import ConanFile


class Tool(ConanFile):
    requires = "boost/[~1.80]", "spdlog/1.12.0#0123456789abcdef0123456789abcdef"

    def build_requirements(self):
        self.tool_requires(f"cmake/{self.wanted}")
""",
        "vcpkg.json": '{"name": "pump", "dependencies": ["fmt"]}\n',
    },
    (
        ("CMakeLists.txt", "fmt", "pin-branch"),
        ("CMakeLists.txt", "json", "pin-checksum"),
        ("CMakeLists.txt", "mbedtls", "pin-tag"),
        ("CMakeLists.txt", "nameless", "pin-branch"),
        ("CMakeLists.txt", "gh:nlohmann/json@3.11.2", "pin-tag"),
        ("CMakeLists.txt", "https://x.example/ca.pem", "pin-checksum"),
        ("conanfile.txt", "zlib", "pin-range"),
        ("conanfile.txt", "openssl", "pin-tag"),
        ("tools/conanfile.py", "boost", "pin-range"),
        ("tools/conanfile.py", "computed", "pin-none"),
        ("vcpkg.json", "baseline", "pin-none"),
    ),
)

TOOLS = Tree(
    {
        "requirements.txt": f"""\
imgtool==2.1.0
pyserial>=3.5
click
wheel==0.43.0 --hash=sha256:{SUM}
git+https://git.example/flash.git@main#egg=flash
https://x.example/some-1.0.tar.gz
""",
        "host/pyproject.toml": '[project]\nname = "host"\ndependencies = ["rich>=13", "typer"]\n',
        "old/Pipfile": '[packages]\nrequests = "*"\n',
        "web/package.json": """\
{"dependencies": {"leftpad": "^1.0.0", "ours": "github:pump/ours#main", "near": "file:../near"}}
""",
        "half/package.json": '{"dependencies": {"a": "1.0.0"}}',
        "half/package-lock.json": """\
{"lockfileVersion": 3, "packages": {"": {"name": "half"},
 "node_modules/a": {"version": "1.0.0", "resolved": "https://r.example/a-1.0.0.tgz"}}}
""",
        "rust/Cargo.toml": """\
[package]
name = "rust"
[dependencies]
heapless = "0.8"
hal = { git = "https://git.example/hal", branch = "main" }
near = { path = "../near" }
""",
        "go/go.mod": "module x.example/go\n\nrequire (\n\tx.example/lib v1.2.3\n)\n",
    },
    (
        ("requirements.txt", "imgtool", "pin-tag"),
        ("requirements.txt", "pyserial", "pin-range"),
        ("requirements.txt", "click", "pin-none"),
        ("requirements.txt", "flash", "pin-branch"),
        ("requirements.txt", "some-1.0.tar.gz", "pin-checksum"),
        ("host/pyproject.toml", "rich", "pin-lock"),
        ("host/pyproject.toml", "typer", "pin-lock"),
        ("old/Pipfile", "requests", "pin-lock"),
        ("web/package.json", "leftpad", "pin-lock"),
        ("web/package.json", "ours", "pin-branch"),
        ("half/package-lock.json", "a", "pin-tag"),
        ("rust/Cargo.toml", "heapless", "pin-lock"),
        ("rust/Cargo.toml", "hal", "pin-branch"),
        ("go/go.mod", "x.example/lib", "pin-lock"),
    ),
)

AUTOMATION = Tree(
    {
        "Dockerfile": """\
ARG BASE=debian:bookworm
FROM ${BASE} AS build
FROM gcc
COPY --from=build /x /x
COPY --from=busybox:1.36 /bin/sh /bin/sh
ADD https://x.example/toolchain.tar.xz /opt/
RUN curl -fsSL https://get.example/install.sh | sh
""",
        ".github/workflows/ci.yml": f"""\
jobs:
  build:
    container: zephyrproject/ci:v0.26.4
    steps:
      - uses: actions/checkout@v4
      - uses: actions/cache@{SHA}
      - uses: pump/flash@main
      - uses: ./.github/actions/own
      - run: wget https://x.example/arm-gcc.tar.xz -O gcc.tar.xz
""",
        ".gitlab-ci.yml": """\
include:
  - project: pump/ci
    file: build.yml
  - remote: https://x.example/ci.yml
build:
  image: gcc:12
  services: [docker:dind]
""",
        "default.xml": """\
<manifest>
  <remote name="up" fetch="https://git.example"/>
  <default remote="up" revision="kirkstone"/>
  <project name="poky" path="poky"/>
  <project name="meta-arm" revision="refs/tags/4.0.1"/>
</manifest>
""",
        "meta/pump_1.0.bb": """\
SRC_URI = "git://git.example/pump.git;branch=main \\
           https://x.example/data.tar.gz"
SRCREV = "${AUTOREV}"
""",
        "package/pump/pump.mk": """\
PUMP_VERSION = master
PUMP_SITE = https://git.example/pump.git
PUMP_SITE_METHOD = git
$(eval $(cmake-package))
""",
        "Makefile": """\
sdk.tar.gz:
\t@wget -q https://x.example/sdk.tar.gz
tools:
\tcurl -L -o tool.bin \\
\t  https://x.example/tool.bin
""",
        "broken/west.yml": "manifest: [unclosed\n",
        "broken/package.json": "{not json",
    },
    (
        ("Dockerfile", "debian:bookworm", "pin-tag"),
        ("Dockerfile", "gcc", "pin-none"),
        ("Dockerfile", "busybox:1.36", "pin-tag"),
        ("Dockerfile", "https://x.example/toolchain.tar.xz", "pin-checksum"),
        ("Dockerfile", "install.sh", "pin-checksum"),
        (".github/workflows/ci.yml", "zephyrproject/ci:v0.26.4", "pin-tag"),
        (".github/workflows/ci.yml", "actions/checkout", "pin-tag"),
        (".github/workflows/ci.yml", "pump/flash", "pin-branch"),
        (".github/workflows/ci.yml", "arm-gcc.tar.xz", "pin-checksum"),
        (".gitlab-ci.yml", "pump/ci", "pin-branch"),
        (".gitlab-ci.yml", "https://x.example/ci.yml", "pin-checksum"),
        (".gitlab-ci.yml", "gcc:12", "pin-tag"),
        (".gitlab-ci.yml", "docker:dind", "pin-tag"),
        ("default.xml", "poky", "pin-branch"),
        ("default.xml", "meta-arm", "pin-tag"),
        ("meta/pump_1.0.bb", "pump", "pin-branch"),
        ("meta/pump_1.0.bb", "pump", "pin-checksum"),
        ("package/pump/pump.mk", "pump", "pin-branch"),
        ("Makefile", "sdk.tar.gz", "pin-checksum"),
        ("Makefile", "tool.bin", "pin-checksum"),
        ("broken/west.yml", "broken/west.yml", "pin-unreadable"),
        ("broken/package.json", "broken/package.json", "pin-unreadable"),
    ),
)

TREES = {"zephyr": ZEPHYR, "arduino": ARDUINO, "cpp": CPP, "tools": TOOLS, "automation": AUTOMATION}
