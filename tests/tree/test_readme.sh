#!/bin/sh
# The C in README.md and CONTRIBUTING.md compiles without a warning and runs; the scripts that they name exist.
#
# The ```c blocks of a section, up to and including one with a main, are one program. A section whose last blocks have no main is
# an error.   test_readme.sh FOLDER-OF-THE-LIBRARY
set -eu
library=$1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

extract() # FILE: writes program_N.c and scripts
{
    awk -v file="$1" '
        function leftover() {
            if (program == "") return
            print file ": the C before line " FNR " has no main"
            program = ""
            exit 1
        }
        !inside && /^#/ { leftover() }
        /^```/ {
            inside = !inside
            if (inside) {
                language = substr($0, 4)
                if (language == "c") program = program "#line " FNR + 1 " \"" file "\"\n"
            } else if (language == "c" && has_main) {
                printf "%s", program > ("program_" FNR ".c")
                program = ""
                has_main = 0
            }
            next
        }
        inside && language == "c" {
            program = program $0 "\n"
            if ($0 ~ /^int main\(/) has_main = 1
        }
        inside && language == "sh" {
            for (i = 1; i <= NF; i++) if ($i ~ /^[a-z_.\/]+\.sh$/) print $i > "scripts"
        }
        END { leftover() }
    ' "$TAP_SOURCE_ROOT/$1"
}

programs=0
for file in README.md CONTRIBUTING.md; do
    rm -f program_*.c
    : > scripts
    extract $file
    while read -r script; do
        [ -f "$TAP_SOURCE_ROOT/$script" ] || { echo "$file names $script, which is not there"; exit 1; }
    done < scripts
    for program in program_*.c; do
        [ -f "$program" ] || continue
        $CC -std=c11 -Wall -Wextra -Wpedantic -Werror -I"$TAP_SOURCE_ROOT" "$program" -L"$library" -Wl,-rpath,"$library" \
            -ltapestry -lm -o program
        line=${program#program_}
        timeout 60 ./program > output || { cat output; echo "$file: the program that ends at line ${line%.c} failed"; exit 1; }
        echo "$file: the program that ends at line ${line%.c} runs"
        programs=$((programs + 1))
    done
done
[ $programs -gt 0 ] || { echo "no program found"; exit 1; }
