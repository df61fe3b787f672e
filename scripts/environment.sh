# Sourced by the scripts beside it. `environment run` (or `environment test`, with the test extra)
# makes sure that $root/.venv, here $venv, holds this checkout as setup.cfg and pyproject.toml
# now describe it. When it does, which a stamp file tells, nothing but `cat` and `cksum` runs.
#
# INTFLOW_PYTHON chooses the interpreter; otherwise the first of python3, python3.14 ...
# python3.11 and python that is new enough. All messages go to stderr.

venv=$root/.venv

environment() {
    wanted="$root $(cat "$root/setup.cfg" "$root/pyproject.toml" | cksum)"
    ready "$1" && return
    python=$(suitable_python) || exit 1
    "$python" "$root/scripts/environment.py" "$1" "$wanted" || exit $?
}

ready() {
    [ -x "$venv/bin/python" ] && [ -r "$venv/intflow-$1.stamp" ] || return 1
    [ "$(cat "$venv/intflow-$1.stamp")" = "$wanted" ] || return 1
    [ -z "${INTFLOW_PYTHON:-}" ] || [ ! -e "$venv/intflow-python" ] ||
        [ "$(cat "$venv/intflow-python")" = "$INTFLOW_PYTHON" ]
}

suitable_python() {
    if [ -n "${INTFLOW_PYTHON:-}" ]; then
        set -- "$INTFLOW_PYTHON"
    else
        set -- python3 python3.14 python3.13 python3.12 python3.11 python
    fi
    seen=
    for name; do
        command -v "$name" >/dev/null 2>&1 || continue
        version=$("$name" -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null) ||
            continue
        case $version in
            3.[0-9] | 3.10 | [012].*) seen="$seen, $name is $version" ;;
            *) command -v "$name"; return 0 ;;
        esac
    done
    echo "intflow: needs Python 3.11 or later${seen:-, found no working $1};" \
        "install one, or say where it is: INTFLOW_PYTHON=/path/to/python3.11" >&2
    return 1
}
