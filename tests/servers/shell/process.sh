# Data and processes of the servers. Every server is found by the process id that was written down when it started.

# Sets `as_server`, the words before a command that run it as the server's user.
choose_user() {
    as_server=()
    if [ "$(id -u)" = 0 ]; then
        id "$1" >/dev/null 2>&1 || fail "there is no user $1, as whom the server runs when root starts it"
        as_server=(setpriv "--reuid=$1" "--regid=$(id -g "$1")" --init-groups)
    fi
}

# The template is an initialised data directory with certificate and users; a server starts with a copy of it, which is
# much faster than initialising. Another version of the program or of its script makes another template.
template_of() {
    local name=$1 version
    version=$({ "$("${name}_program")" --version && cat "$here/shell/$name.sh"; } | cksum)
    echo "$directory/templates/$name-${version%% *}"
}

prepare_template() {
    local name=$1 template
    template=$(template_of "$name")
    [ -d "$template" ] && return 0
    prepare_certificates
    password >/dev/null
    rm -rf "$directory/templates/$name-"*
    mkdir -p "$template.new"
    chmod 700 "$template.new"
    choose_user "$("${name}_user")"
    [ "${#as_server[@]}" -eq 0 ] || chown -R "$("${name}_user"):" "$template.new"
    if ! (cd "$template.new" && "${name}_initialise" "$template.new") >"$template.log" 2>&1 </dev/null 8>&-; then
        tail -n 30 "$template.log" >&2
        fail "$name could not be initialised; the end of $template.log is above"
    fi
    cp "$directory/certificates/"{ca.pem,server.pem,server.key} "$template.new"
    [ "${#as_server[@]}" -eq 0 ] || chown -R "$("${name}_user"):" "$template.new"
    mv "$template.new" "$template"
}

copy_template() {
    rm -rf "$2" "$2.new"
    cp -a --reflink=auto "$(template_of "$1")" "$2.new"
    mv "$2.new" "$2"
}

become() {
    local name=$1 data=$2 port=$3
    choose_user "$("${name}_user")"
    "${name}_prepare" "$data" "$port"
    "${name}_command" "$data" "$port"
    cd "$data"
    exec "${detach[@]}" "${as_server[@]}" "${on_clock[@]}" "${server_command[@]}"
}
detach=() on_clock=()

# libfaketime leaves what it shares between processes when its own is killed.
forget_clock() {
    rm -f "/dev/shm/faketime_shm_$1" "/dev/shm/sem.faketime_sem_$1"
}

# Sets `on_clock`, the words before a command that run it on the clock of a file, which holds the seconds by which it is
# ahead, as `+60` or `-60`. The server looks there once a second.
choose_clock() {
    local name=$1 file=$2 library
    library=$(compgen -G '/usr/lib*/*/faketime/libfaketime.so.1' || compgen -G '/usr/lib*/faketime/libfaketime.so.1') ||
        fail "the clock of $name cannot be moved, libfaketime is missing; run tests/servers/servers install $name"
    [ -e "$file" ] || echo +0 >"$file"
    # jemalloc asks for the time before libfaketime can allocate: the allocator of libc takes its place.
    on_clock=(env LD_PRELOAD="${library%%$'\n'*}:libc.so.6" FAKETIME_TIMESTAMP_FILE="$file" FAKETIME_CACHE_DURATION=1
        DONT_FAKE_MONOTONIC=1 FAKETIME_DONT_FAKE_MONOTONIC=1)
}

launch() {
    local name=$1 folder=$directory/$1 port
    port=$(port_of "$name")
    copy_template "$name" "$folder/data"
    echo "$port" >"$folder/port"
    rm -f "$folder/until-unused"
    [ -z "$until_unused" ] || touch "$folder/until-unused"
    # A session of its own keeps the interrupt of a terminal away from the server.
    (detach=(setsid) && become "$name" "$folder/data" "$port") >"$folder/log" 2>&1 </dev/null 8>&- &
    echo $! >"$folder/pid"
}

await_ready() {
    local name=$1 log=$directory/$1/log deadline=$((SECONDS + 60))
    until "${name}_ready" "$(cat "$directory/$name/port")"; do
        if ! running "$name" && ! kill -0 "$(cat "$directory/$name/pid")" 2>/dev/null; then
            tail -n 30 "$log" >&2
            fail "$name ended while it started; the end of $log is above"
        fi
        if [ "$SECONDS" -gt "$deadline" ]; then
            tail -n 30 "$log" >&2
            fail "$name did not answer within 60 seconds; the end of $log is above"
        fi
        sleep 0.1
    done
}

terminate() {
    local name=$1 pid deadline=$((SECONDS + 30))
    running "$name" || return 0
    pid=$(cat "$directory/$name/pid")
    signal "-$("${name}_stop_signal")" "$pid"
    while running "$name"; do
        if [ "$SECONDS" -gt "$deadline" ]; then
            echo "$name did not stop within 30 seconds and is killed" >&2
            signal -KILL "$pid"
            deadline=$((SECONDS + 30))
        fi
        sleep 0.05
    done
    rm -f "$directory/$name/"{pid,port,until-unused}
}

signal() {
    kill "$@" 2>/dev/null || true
}

running() {
    [ -s "$directory/$1/pid" ] && serves "$(cat "$directory/$1/pid")" "$1" "$directory/$1/data"
}

# A process id may have been given to another program since: its command must name the data directory.
serves() {
    local pid=$1 name=$2 data=$3 words
    words=$(tr '\0' ' ' 2>/dev/null <"/proc/$pid/cmdline") || return 1
    [[ ${words%% *} == *"$("${name}_program")"* && "$words" == *"$data"* ]]
}

end_with_caller() {
    local name=$1 data=$2 pid=$3 attempt
    trap '' INT TERM HUP
    cat <&7 >/dev/null
    serves "$pid" "$name" "$data" || return 0
    signal "-$("${name}_abort_signal")" "$pid"
    # The test may have paused it. PostgreSQL itself kills processes of its that stay paused, after five seconds.
    signal -CONT "$pid"
    for ((attempt = 0; attempt < 100; attempt++)); do
        serves "$pid" "$name" "$data" || return 0
        sleep 0.1
    done
    signal -KILL "$pid"
}

# The folders of instances begin with the process id of the test program that made them.
remove_abandoned_instances() {
    local folder owner
    for folder in "$directory"/instances/*; do
        owner=${folder##*/}
        owner=${owner%%-*}
        [[ $owner =~ ^[0-9]+$ ]] && [ ! -d "/proc/$owner" ] && rm -rf "$folder"
    done
    return 0
}

require_free_port() {
    if (exec 3<>"/dev/tcp/127.0.0.1/$3") 2>/dev/null; then
        fail "port $3 for $1 is in use by another program; set $2 to a free port"
    fi
}
