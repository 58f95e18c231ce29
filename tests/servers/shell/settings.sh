# Where things are, what is asked for, and what the environment says.

fail() {
    echo "tests/servers/servers: $*" >&2
    exit 1
}

fail_if_any() {
    local words
    words=$(tr '\n' ' ')
    [ -z "$words" ] || fail "$1, these programs are missing: $words- $2"
}

known() {
    [[ " ${all_servers[*]} " == *" $1 "* ]]
}

# `requested` are the servers that the caller named, `names` those of them that are ours.
choose_servers() {
    local name
    requested=("$@")
    [ $# -gt 0 ] || requested=("${all_servers[@]}")
    names=()
    for name in "${requested[@]}"; do
        known "$name" || fail "there is no server $name; there are ${all_servers[*]}"
        external "$name" || names+=("$name")
    done
}

# A variable that holds our own address, from an earlier `env`, does not make the server an external one.
external() {
    url_variable=$("$1_url_variable")
    [ -n "${!url_variable:-}" ] || return 1
    [ ! -s "$directory/password" ] || [ "${!url_variable}" != "$("$1_url" "$(port_of "$1")")" ]
}

# A running server keeps the port with which it was started.
port_of() {
    if running "$1"; then
        cat "$directory/$1/port"
    else
        "$1_ports" | { read -r _ port && echo "$port"; }
    fi
}

# As root the servers run as users of their own, who must be able to search all folders above their data.
choose_directory() {
    directory=${THING_SERVERS_DIR:-$(cd "$here/../.." && pwd)/target/servers}
    mkdir -p "$directory" || fail "no folder for the servers; set THING_SERVERS_DIR to one that can be written"
    directory=$(cd "$directory" && pwd)
    [ -w "$directory" ] || fail "$directory belongs to another user; set THING_SERVERS_DIR to a folder of your own"
    [ "$(id -u)" = 0 ] || return 0
    setpriv --reuid=65534 --regid=65534 --clear-groups test -x "$directory" && return 0
    [ -z "${THING_SERVERS_DIR:-}" ] ||
        fail "other users cannot reach THING_SERVERS_DIR=$directory; give its parents the permission o+x"
    directory=/var/tmp/thing-servers-$(cksum <<<"$directory" | cut -d ' ' -f 1)
    mkdir -p "$directory"
    [ -O "$directory" ] || fail "$directory belongs to another user; set THING_SERVERS_DIR to a folder of your own"
}

# The servers listen on 127.0.0.1, but some of their users may do anything, so their password is not a known one.
password() {
    if [ ! -s "$directory/password" ]; then
        (umask 077 && od -An -N12 -tx1 /dev/urandom | tr -d ' \n' >"$directory/password.$$")
        ln "$directory/password.$$" "$directory/password" 2>/dev/null || true
        rm -f "$directory/password.$$"
    fi
    cat "$directory/password"
}

lock() {
    exec 8>"$directory/lock"
    flock --timeout 300 8 || fail "another process has held $directory/lock for five minutes"
}

unlock() {
    exec 8>&-
}

parse_url() {
    local pattern='^[a-z+]+://(([^:@/]*)(:([^@/]*))?@)?([^:/?]+)(:([0-9]+))?(/([^?]*))?'
    [[ $1 =~ $pattern ]] || fail "the variable $url_variable does not hold a url of the form scheme://user:password@host:port/name"
    url_user=$(percent_decode "${BASH_REMATCH[2]}")
    url_password=$(percent_decode "${BASH_REMATCH[4]}")
    url_host=${BASH_REMATCH[5]}
    url_port=${BASH_REMATCH[7]:-$("${name}_default_port")}
    url_database=${BASH_REMATCH[9]}
}

percent_decode() {
    printf '%b' "${1//%/\\x}"
}
