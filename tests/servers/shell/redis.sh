redis_program() { echo redis-server; }
redis_programs() { echo redis-server redis-cli faketime; }
redis_package() { echo redis-server faketime; }
redis_user() { echo redis; }
redis_default_port() { echo 6379; }
redis_url_variable() { echo THING_REDIS_URL; }
redis_url() { echo "redis://thing:$(password)@127.0.0.1:$1"; }

redis_ports() {
    echo "THING_REDIS_PORT ${THING_REDIS_PORT:-26380}"
    echo "THING_REDIS_TLS_PORT ${THING_REDIS_TLS_PORT:-26381}"
}

redis_stop_signal() { echo TERM; }
redis_abort_signal() { echo KILL; }

redis_initialise() { :; }

redis_prepare() {
    # The title of the process would hide the configuration's path, by which the process is recognised.
    (umask 077 && cat >"$1/redis.conf") <<CONFIGURATION
bind 127.0.0.1
port $2
dir $1
save ""
appendonly no
daemonize no
set-proc-title no
user default on nopass ~* &* +@all
user thing on >$(password) ~* &* +@all
CONFIGURATION
    if [ "$1" = "$directory/redis/data" ]; then
        cat >>"$1/redis.conf" <<CONFIGURATION
tls-port $(redis_tls_port)
tls-cert-file $1/server.pem
tls-key-file $1/server.key
tls-ca-cert-file $1/ca.pem
tls-auth-clients no
CONFIGURATION
    fi
    [ "${#as_server[@]}" -eq 0 ] || chown redis "$1/redis.conf"
}

# A running server keeps the port with which it was started.
redis_tls_port() {
    if running redis; then
        sed -n 's/^tls-port //p' "$directory/redis/data/redis.conf"
    else
        redis_ports | { read -r _ && read -r _ port && echo "$port"; }
    fi
}

redis_command() {
    server_command=(redis-server "$1/redis.conf")
}

redis_ready() {
    [ "$(redis-cli -h 127.0.0.1 -p "$1" PING 2>/dev/null)" = PONG ]
}

redis_version() {
    command -v redis-cli >/dev/null || { echo "(redis-cli is missing, which would ask)" && return; }
    local login=()
    [ -z "$url_user" ] || login=(--user "$url_user")
    REDISCLI_AUTH=$url_password redis-cli -h "$url_host" -p "$url_port" "${login[@]}" INFO server |
        tr -d '\r' | sed -n 's/^redis_version://p' | grep . || echo "does not answer"
}

redis_variables() {
    echo "THING_REDIS_URL $(redis_url "$1")"
    echo "THING_REDIS_TLS_URL rediss://thing:$(password)@127.0.0.1:$(redis_tls_port)"
}
