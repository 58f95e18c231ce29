# Programs of the servers: where they are, which are missing, and how they come onto the machine.

# Debian keeps the programs of PostgreSQL out of the path, and /usr/sbin out of that of ordinary users.
find_programs() {
    local newest
    PATH=$PATH:/usr/local/sbin:/usr/sbin
    command -v initdb >/dev/null && return 0
    newest=$(printf '%s\n' /usr/lib/postgresql/*/bin /usr/pgsql-*/bin | sort --version-sort | tail -n 1)
    PATH=$newest:$PATH
}

missing_programs() {
    local program
    for program in openssl flock setsid setpriv $("$1_programs"); do
        command -v "$program" >/dev/null || echo "$program"
    done
}

install() {
    local name missing packages=()
    lock
    for name in "${names[@]}"; do
        missing=$(missing_programs "$name")
        [ -n "$missing" ] || continue
        # shellcheck disable=SC2207 # Names of packages hold no spaces.
        packages+=($("${name}_package"))
        [[ $missing != *openssl* ]] || packages+=(openssl)
    done
    [ "${#packages[@]}" -gt 0 ] || return 0

    apt_install "${packages[@]}"
    find_programs
    for name in "${names[@]}"; do
        missing_programs "$name" | fail_if_any "$name cannot be started" "they should have come with ${packages[*]}"
    done
}

apt_install() {
    local as_root=() log policy
    command -v apt-get >/dev/null || fail_uninstalled "there is no apt-get" "$@"
    if [ "$(id -u)" != 0 ]; then
        sudo -n true 2>/dev/null || fail_uninstalled "this user is not root and sudo asks for a password" "$@"
        as_root=(sudo -n)
    fi

    echo "installing $*" >&2
    log=$(mktemp)
    policy=/usr/sbin/policy-rc.d
    if [ ! -e "$policy" ]; then
        # Debian asks this program whether a freshly installed service may start; 101 says no.
        printf '#!/bin/sh\nexit 101\n' | "${as_root[@]}" tee "$policy" >/dev/null
        "${as_root[@]}" chmod 755 "$policy"
        # shellcheck disable=SC2064 # The variables are local.
        trap "${as_root[*]} rm -f $policy" EXIT
    fi
    # A stale list of packages is good enough when the update fails for lack of a network.
    "${as_root[@]}" apt-get update -qq >"$log" 2>&1 || true
    if ! "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
        apt-get install -qq --yes --no-install-recommends "$@" >>"$log" 2>&1 </dev/null; then
        tail -n 20 "$log" >&2
        fail "apt-get could not install $*; the end of $log is above"
    fi
    rm -f "$log"
}

fail_uninstalled() {
    local why=$1 name
    shift
    {
        echo "tests/servers/servers: cannot install $*: $why. For each of these servers, either install its"
        echo "programs, or set its variable to the url of a server that the tests may use:"
        for name in "${names[@]}"; do
            [ -z "$(missing_programs "$name")" ] || printf '  %-9s %-19s %s (Debian package %s)\n' "$name" \
                "$("${name}_url_variable")" "$("${name}_programs")" "$("${name}_package")"
        done
    } >&2
    exit 1
}
