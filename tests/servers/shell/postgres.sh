postgres_program() { echo postgres; }
postgres_programs() { echo initdb postgres psql pg_isready; }
postgres_package() { echo postgresql; }
postgres_user() { echo postgres; }
postgres_default_port() { echo 5432; }
postgres_url_variable() { echo THING_POSTGRES_URL; }
postgres_url() { echo "postgres://thing:$(password)@127.0.0.1:$1/thing"; }

# The ports are below those that the kernel gives to outgoing connections, which could otherwise hold them.
postgres_ports() { echo "THING_POSTGRES_PORT ${THING_POSTGRES_PORT:-25432}"; }

# Fast shutdown; the signal TERM would wait for clients to leave.
postgres_stop_signal() { echo INT; }
# Immediate shutdown, which unlike a kill leaves no shared memory behind.
postgres_abort_signal() { echo QUIT; }

postgres_initialise() {
    local data=$1/new
    password >"$1/password"
    # The segments of the log are small so that copies of the data directory are.
    "${as_server[@]}" initdb --pgdata="$data" --username=thing --pwfile="$1/password" --auth=scram-sha-256 \
        --encoding=UTF8 --locale=C.UTF-8 --wal-segsize=1
    rm "$1/password"
    echo 'CREATE DATABASE thing' | "${as_server[@]}" postgres --single -D "$data" postgres
    mv "$data"/* "$1" && rmdir "$data"
}

postgres_prepare() { :; }

postgres_command() {
    local setting
    server_command=(postgres -D "$1" -p "$2")
    # Dynamic shared memory in files, because /dev/shm is small in containers.
    for setting in listen_addresses=127.0.0.1 unix_socket_directories= max_connections=300 wal_level=logical \
        max_wal_senders=20 max_replication_slots=20 min_wal_size=8MB max_wal_size=256MB \
        dynamic_shared_memory_type=mmap ssl=on ssl_cert_file=server.pem ssl_key_file=server.key; do
        server_command+=(-c "$setting")
    done
}

postgres_ready() {
    pg_isready --quiet --host=127.0.0.1 --port="$1"
}

postgres_version() {
    command -v psql >/dev/null || { echo "(psql is missing, which would ask)" && return; }
    PGPASSWORD=$url_password PGCONNECT_TIMEOUT=5 psql --no-psqlrc --host="$url_host" --port="$url_port" \
        --username="$url_user" --dbname="$url_database" --no-align --tuples-only --command='SHOW server_version' |
        cut -d ' ' -f 1 || echo "does not answer"
}

postgres_variables() {
    echo "THING_POSTGRES_URL $(postgres_url "$1")"
}
