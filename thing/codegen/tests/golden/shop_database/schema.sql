CREATE TABLE customers (
    id UUID_BLOB NOT NULL PRIMARY KEY,
    email TEXT NOT NULL,
    born DATE,
    settings JSON_TEXT NOT NULL DEFAULT "{}",
    photo BLOB,
    created_at TIMESTAMP NOT NULL,
    deleted_at TIMESTAMP,
    inviter_id UUID_BLOB,
    CONSTRAINT invitations FOREIGN KEY (inviter_id) REFERENCES customers (id) ON DELETE SET NULL ON UPDATE CASCADE
);

CREATE UNIQUE INDEX one_customer_an_address ON customers (email) WHERE "deleted_at" IS NULL;

CREATE TABLE categories (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL,
    parent_id INTEGER REFERENCES categories (id),
    CONSTRAINT one_name_a_parent UNIQUE (parent_id, name)
);

CREATE TABLE products (
    sku TEXT NOT NULL PRIMARY KEY,
    name TEXT NOT NULL,
    price DECIMAL_TEXT COLLATE DECIMAL NOT NULL DEFAULT 9.90 CHECK (price >= '0'),
    weight REAL,
    stock INTEGER NOT NULL DEFAULT '0',
    opens TIME,
    code TEXT UNIQUE,
    shown BOOLEAN NOT NULL DEFAULT TRUE,
    upper_name TEXT GENERATED ALWAYS AS (upper(name)) VIRTUAL,
    category_id INTEGER REFERENCES categories (id) ON DELETE SET NULL,
    replaced_by TEXT REFERENCES products (code) ON DELETE SET NULL,
    CONSTRAINT upper_is_short CHECK (length(upper_name) < 100)
);

CREATE INDEX by_category ON products (category_id, price DESC);

CREATE INDEX by_lower_name ON products (lower(name));

CREATE INDEX by_upper_name ON products (name) WHERE upper_name > 'M';

CREATE TABLE orders (
    id INTEGER PRIMARY KEY,
    customer_id UUID_BLOB NOT NULL REFERENCES customers (id) ON DELETE RESTRICT,
    placed_at TIMESTAMP NOT NULL
);

CREATE TABLE order_lines (
    order_id INTEGER NOT NULL REFERENCES orders (id) ON DELETE CASCADE,
    position INTEGER NOT NULL,
    sku TEXT NOT NULL REFERENCES products (sku),
    count INTEGER NOT NULL DEFAULT 1,
    PRIMARY KEY (order_id, position)
);

CREATE TABLE order_line_notes (
    id INTEGER PRIMARY KEY,
    order_id INTEGER NOT NULL,
    position INTEGER NOT NULL,
    text TEXT NOT NULL,
    CONSTRAINT of_line FOREIGN KEY (order_id, position) REFERENCES order_lines (order_id, position)
);

CREATE TABLE order_line_marks (
    id INTEGER PRIMARY KEY,
    order_id INTEGER NOT NULL,
    position INTEGER NOT NULL,
    FOREIGN KEY (order_id, position) REFERENCES order_lines (order_id, position) ON DELETE CASCADE
);
