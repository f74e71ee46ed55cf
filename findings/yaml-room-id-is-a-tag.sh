#!/usr/bin/env bash
# A room ID that stands in YAML without quotes is a tag without a value. yaml_serde 0.10.7 (the
# maintained continuation of serde_yaml) gives a list of strings an empty string for it, and says
# nothing; an alias without quotes is a comment, and an entry that is only a comment gives one too.
# PyYAML 6.0.2 refuses the tag, and gives None for the alias: no two of the four are told alike.
#
# Seen: yaml_serde 0.10.7: ["@ann:example.org", "", ""], no error. PyYAML 6.0.2: ConstructorError for
# the room ID; None for the alias.
# Fails if either reads them in another way.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"

mkdir src
cat >Cargo.toml <<'TOML'
[package]
name = "read"
version = "0.0.0"
edition = "2021"

[dependencies]
yaml_serde = "=0.10.7"
TOML
cat >src/main.rs <<'RUST'
fn main() {
    let text = "- \"@ann:example.org\"\n- !room:example.org\n- #alias:example.org\n";
    println!("{:?}", yaml_serde::from_str::<Vec<String>>(text).map_err(|error| error.to_string()));
}
RUST
rust=$(cargo run --quiet)

python3 -m venv venv
venv/bin/pip --quiet --disable-pip-version-check install 'PyYAML==6.0.2'
python=$(venv/bin/python - <<'PYTHON'
import yaml

for text in ("- !room:example.org\n", "- #alias:example.org\n"):
    try:
        print(yaml.safe_load(text))
    except yaml.YAMLError as error:
        print(type(error).__name__)
PYTHON
)

printf 'yaml_serde 0.10.7: %s\nPyYAML 6.0.2: %s\n' "$rust" "${python//$'\n'/ }"
[ "$rust" = 'Ok(["@ann:example.org", "", ""])' ]
[ "$python" = $'ConstructorError\n[None]' ]
