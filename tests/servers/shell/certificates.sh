# A private certificate authority, and one certificate that all servers share.

prepare_certificates() {
    local folder=$directory/certificates
    [ -e "$folder/server.pem" ] && return 0
    mkdir -p "$folder"
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 3650 \
        -keyout "$folder/ca.key" -out "$folder/ca.pem" -config /dev/stdin 2>/dev/null <<CONFIG
[req]
distinguished_name = name
x509_extensions = extensions
prompt = no
[name]
CN = Thing test authority
[extensions]
basicConstraints = critical, CA:TRUE
keyUsage = critical, keyCertSign, cRLSign
subjectKeyIdentifier = hash
CONFIG
    openssl req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj /CN=localhost \
        -keyout "$folder/server.key" -out "$folder/server.csr" 2>/dev/null
    openssl x509 -req -in "$folder/server.csr" -CA "$folder/ca.pem" -CAkey "$folder/ca.key" -CAcreateserial -days 3650 \
        -out "$folder/server.new" -extfile /dev/stdin 2>/dev/null <<EXTENSIONS
basicConstraints = critical, CA:FALSE
keyUsage = critical, digitalSignature
extendedKeyUsage = serverAuth
subjectAltName = DNS:localhost, IP:127.0.0.1, IP:::1
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
EXTENSIONS
    chmod 600 "$folder/"*.key
    mv "$folder/server.new" "$folder/server.pem"
    rm -f "$folder/server.csr"
}
