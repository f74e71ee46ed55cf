#!/usr/bin/env bash
# Which words are server names differs between Synapse and ruma, so that a list of users one of them
# wrote may hold a user the other has not. Of a port Synapse wants five digits at most (as the
# specification's grammar has it), ruma a number up to 65535; of a host Synapse refuses a dot at the end
# and two in a row, ruma takes both.
#
# Seen: Synapse 1.163.2 takes example.org:99999 and refuses example.org. and example..org;
# ruma-identifiers-validation 0.14.0 the other way round in all three. Both take example.org:0 and
# refuse ex_ample.org.
# Fails if either decides otherwise.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
names=(example.org:99999 example.org. example..org example.org:0 ex_ample.org)

mkdir src
cat >Cargo.toml <<'TOML'
[package]
name = "names"
version = "0.0.0"
edition = "2021"

[dependencies]
ruma-identifiers-validation = "=0.14.0"
TOML
cat >src/main.rs <<'RUST'
fn main() {
    for name in std::env::args().skip(1) {
        print!("{} ", if ruma_identifiers_validation::server_name::validate(&name).is_ok() { "yes" } else { "no" });
    }
}
RUST
ruma=$(cargo run --quiet -- "${names[@]}")

python3 -m venv venv
venv/bin/pip --quiet --disable-pip-version-check install 'matrix-synapse==1.163.2'
synapse=$(venv/bin/python - "${names[@]}" <<'PYTHON'
import sys

from synapse.util.stringutils import parse_and_validate_server_name

for name in sys.argv[1:]:
    try:
        parse_and_validate_server_name(name)
        print("yes", end=" ")
    except ValueError:
        print("no", end=" ")
PYTHON
)

printf '%s\nSynapse 1.163.2: %s\nruma 0.14.0:     %s\n' "${names[*]}" "$synapse" "$ruma"
[ "${synapse% }" = 'yes no no yes no' ]
[ "${ruma% }" = 'no yes yes yes no' ]
