"""Trees that look as if something were unpinned, and are not: a finding in one is a false alarm."""

from tests.planted.unpinned import SHA, SUM

INTEGRITY = "sha512-" + "A" * 86 + "=="

EMBEDDED = {
    "west.yml": f"""\
# revision: main
manifest:
  projects:
    - name: zephyr
      revision: {SHA}
      import: {{name-allowlist: [cmsis]}}
""",
    ".gitmodules": '[submodule "lib"]\n\tpath = lib\n\turl = https://git.example/branch.git\n',
    "platformio.ini": f"""\
; lib_deps = nothing/here
[env:pump]
platform = https://git.example/platform.git#{SHA}
lib_deps =
    file://../near
    symlink://../other
    valve=https://git.example/valve.git#{SHA}
build_flags = -DVERSION=latest
upload_speed = 115200
""",
    "library.properties": "name=Pump\nversion=1.0.0\nurl=https://x.example\n",
    "main/idf_component.yml": "dependencies:\n  idf: '>=5.0'\n  espressif/led_strip: ^2.0.0\n",
    "dependencies.lock": f"""\
dependencies:
  espressif/led_strip:
    component_hash: {SUM}
    version: 2.5.3
""",
    "lib/cmsis.lib": "!<arch>\n/ https is not an address here\n",
    "AndroidManifest.xml": '<manifest package="a"><application revision="main"/></manifest>',
    "mbedtls.wrap": f"[wrap-file]\nsource_url = https://x.example/m.tgz\nsource_hash = {SUM}\n",
}

CPP = {
    "CMakeLists.txt": f"""\
#[[ FetchContent_Declare(old GIT_REPOSITORY https://git.example/old GIT_TAG main) ]]
# ExternalProject_Add(older GIT_REPOSITORY https://git.example/older)
set(REVISION {SHA})
find_package(fmt 9 REQUIRED)
FetchContent_Declare(fmt
  GIT_REPOSITORY https://git.example/fmt.git  # branch main
  GIT_TAG ${{REVISION}})
FetchContent_Declare(json URL https://x.example/json.zip URL_HASH SHA256={SUM})
FetchContent_Declare(near URL ${{CMAKE_SOURCE_DIR}}/third_party/near.tar.gz)
ExternalProject_Add(own SOURCE_DIR ${{CMAKE_SOURCE_DIR}}/own DOWNLOAD_COMMAND "")
message("FetchContent_Declare(said GIT_TAG main)")
""",
    "conanfile.txt": "[requires]\nzlib/[>=1.2 <2]\n# boost/[>1]\n[options]\nzlib/*:shared=0\n",
    "conan.lock": '{"version": "0.5", "requires": ["zlib/1.3.1#' + "ab" * 16 + '%1700000000"]}',
    "vcpkg.json": f'{{"dependencies": ["fmt"], "builtin-baseline": "{SHA}"}}',
}

TOOLS = {
    "requirements.txt": f"""\
# rich>=13
--index-url https://pypi.example/simple
-r more/requirements.txt
-e .
./near
imgtool[ci]==2.1.0 ; python_version > "3" \\
    --hash=sha256:{SUM} \\
    --hash=sha256:{SUM[::-1]}
flash @ git+ssh://git@git.example/flash.git@{SHA}
some @ https://x.example/some.whl#sha256={SUM}
""",
    "more/requirements.txt": "# nothing\n",
    "pyproject.toml": "[tool.ruff]\nline-length = 100\n[tool.pytest.ini_options]\naddopts = []\n",
    "host/pyproject.toml": '[project]\nname = "host"\ndependencies = ["Rich.Text>=13"]\n',
    "host/uv.lock": f"""\
version = 1
[[package]]
name = "host"
source = {{ virtual = "." }}
[[package]]
name = "rich-text"
version = "13.0.0"
source = {{ registry = "https://pypi.example/simple" }}
sdist = {{ url = "https://pypi.example/r.tar.gz", hash = "sha256:{SUM}" }}
""",
    "web/package.json": '{"dependencies": {"a": "^1.0.0", "near": "workspace:*"}}',
    "web/package-lock.json": f"""\
{{"lockfileVersion": 3, "packages": {{
 "": {{"dependencies": {{"a": "^1.0.0"}}}},
 "node_modules/a": {{"version": "1.0.2", "resolved": "https://r.example/a.tgz",
   "integrity": "{INTEGRITY}"}},
 "node_modules/near": {{"resolved": "near", "link": true}}}}}}
""",
    "rust/Cargo.toml": '[dependencies]\nheapless = "0.8"\nhal = {path = "hal"}\n',
    "rust/Cargo.lock": f"""\
[[package]]
name = "rust"
version = "0.1.0"
[[package]]
name = "heapless"
version = "0.8.0"
source = "registry+https://github.com/rust-lang/crates.io-index"
checksum = "{SUM}"
""",
    "rust/hal/Cargo.toml": '[package]\nname = "hal"\n',
    "go/go.mod": """\
module x.example/go
go 1.22
require x.example/lib v1.2.3 // indirect
require x.example/near v0.0.0
replace x.example/near => ../near
""",
    "go/go.sum": "x.example/lib v1.2.3 h1:" + "A" * 43 + "=\n",
}

AUTOMATION = {
    "Dockerfile": f"""\
# FROM debian
ARG BASE=debian@sha256:{SUM}
ARG REGISTRY=
FROM --platform=linux/arm64 ${{REGISTRY}}$BASE AS build
FROM build AS next
FROM scratch
COPY --from=build /x /x
COPY --from=0 /x /x
ADD --checksum=sha256:{SUM} https://x.example/a.tar.gz /
RUN curl -fsSL -o a.tgz https://x.example/a.tgz && echo "{SUM}  a.tgz" | sha256sum -c -
""",
    ".github/workflows/ci.yml": f"""\
on: {{push: {{branches: [main]}}}}
jobs:
  build:
    container: gcc@sha256:{SUM}
    steps:
      - uses: actions/checkout@{SHA} # v4
      - uses: ./.github/actions/own
      - name: run curl https://x.example/install.sh | sh
        run: curl -sf http://localhost:8080/health
""",
    "third_party/lib/.github/workflows/ci.yml": "jobs: {a: {steps: [{uses: a/b@main}]}}\n",
    ".gitlab-ci.yml": f"""\
variables: {{GCC: "gcc@sha256:{SUM}"}}
include:
  - local: ci/build.yml
  - template: Security/SAST.gitlab-ci.yml
  - project: pump/ci
    ref: {SHA}
    file: build.yml
build:
  image: $GCC
  script: [make]
deploy: {{image: "$CI_REGISTRY_IMAGE:latest"}}
""",
    "default.xml": f'<manifest><project name="poky" revision="{SHA}" upstream="main"/></manifest>',
    "meta/pump_1.0.bb": f"""\
# SRCREV = "${{AUTOREV}}"
SRC_URI = "https://x.example/data.tar.gz"
SRC_URI[sha256sum] = "{SUM}"
SRCREV = "{SHA}"
""",
    "package/pump/pump.mk": "PUMP_VERSION = 1\nPUMP_SITE = https://x.org\n$(eval $(x-package))\n",
    "package/pump/pump.hash": f"sha256  {SUM}  pump-1.0.tar.gz\n",
    "install.sh": f"""\
#!/bin/sh
# curl https://x.example/a.sh | sh
echo "run: curl https://x.example/a.sh | sh"
curl -fsS https://x.example/health > /dev/null
curl -X POST --data @report.json https://x.example/report
curl -fLO https://x.example/a.tgz
echo "{SUM}  a.tgz" > a.sum
sha256sum --check a.sum
tar xf a.tgz
""",
}

TREES = {"embedded": EMBEDDED, "cpp": CPP, "tools": TOOLS, "automation": AUTOMATION}
