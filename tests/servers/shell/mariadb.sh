mariadb_program() { echo mariadbd; }
mariadb_programs() { echo mariadbd mariadb-install-db mariadb mariadb-admin; }
mariadb_package() { echo mariadb-server; }
mariadb_user() { echo mysql; }
mariadb_default_port() { echo 3306; }
mariadb_url_variable() { echo THING_MYSQL_URL; }
mariadb_url() { echo "mysql://thing:$(password)@127.0.0.1:$1/thing"; }
mariadb_ports() { echo "THING_MARIADB_PORT ${THING_MARIADB_PORT:-23306}"; }
mariadb_stop_signal() { echo TERM; }
mariadb_abort_signal() { echo KILL; }

mariadb_initialise() {
    "${as_server[@]}" mariadb-install-db --no-defaults --datadir="$1" --skip-test-db --skip-name-resolve \
        --innodb-log-file-size=32M
}

# Runs before the server listens, at every start.
mariadb_prepare() {
    (umask 077 && cat >"$1/init.sql") <<SQL
CREATE DATABASE IF NOT EXISTS thing;
CREATE OR REPLACE USER thing@'%' IDENTIFIED BY '$(password)';
GRANT ALL ON *.* TO thing@'%' WITH GRANT OPTION;
SQL
    [ "${#as_server[@]}" -eq 0 ] || chown mysql "$1/init.sql"
}

mariadb_command() {
    # The socket is relative to the data directory because its path may have 107 bytes at most.
    server_command=(mariadbd --no-defaults "--datadir=$1" "--port=$2" --bind-address=127.0.0.1 --skip-name-resolve
        --socket=mariadb.sock "--pid-file=$1/mariadb.pid" "--init-file=$1/init.sql"
        --character-set-server=utf8mb4 --max-connections=300
        --innodb-buffer-pool-size=256M --innodb-log-file-size=32M
        --server-id=1 --log-bin=binlog --binlog-format=ROW --binlog-row-image=FULL --max-binlog-size=64M
        "--ssl-ca=$1/ca.pem" "--ssl-cert=$1/server.pem" "--ssl-key=$1/server.key")
}

mariadb_ready() {
    MYSQL_PWD=$(password) mariadb-admin --no-defaults --host=127.0.0.1 --port="$1" --user=thing --connect-timeout=5 \
        ping >/dev/null 2>&1
}

mariadb_version() {
    command -v mariadb >/dev/null || { echo "(mariadb is missing, which would ask)" && return; }
    MYSQL_PWD=$url_password mariadb --no-defaults --host="$url_host" --port="$url_port" --user="$url_user" \
        --protocol=tcp --connect-timeout=5 --batch --skip-column-names --execute='SELECT version()' ||
        echo "does not answer"
}

mariadb_variables() {
    echo "THING_MYSQL_URL $(mariadb_url "$1")"
}
