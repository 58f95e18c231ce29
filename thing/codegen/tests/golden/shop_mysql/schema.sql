ALTER DATABASE CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci;

CREATE TABLE customers (
    id binary(16) NOT NULL PRIMARY KEY,
    email varchar(191) NOT NULL UNIQUE CHECK (email LIKE '%@%'),
    name varchar(100) CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci NOT NULL,
    language varchar(2) NOT NULL DEFAULT 'en' COMMENT 'Two letters of ISO 639.',
    born date,
    wakes_at time(6),
    year_of_birth year,
    settings json NOT NULL DEFAULT '{}',
    photo mediumblob,
    fingerprint varbinary(64),
    newsletter tinyint(1) NOT NULL DEFAULT 1,
    blocked bit(1) NOT NULL DEFAULT b'0',
    member_since date NOT NULL DEFAULT (curdate()),
    created_at datetime(6) NOT NULL DEFAULT current_timestamp(6),
    changed_at timestamp(6) NOT NULL DEFAULT current_timestamp(6) ON UPDATE current_timestamp(6),
    inviter_id binary(16),
    CONSTRAINT invitations FOREIGN KEY (inviter_id) REFERENCES customers (id) ON DELETE SET NULL ON UPDATE CASCADE
) COMMENT 'Who buys here.';

CREATE INDEX customers_name_start ON customers (name(10));

CREATE TABLE categories (
    id int NOT NULL AUTO_INCREMENT PRIMARY KEY,
    name varchar(100) NOT NULL,
    parent_id int,
    CONSTRAINT one_name_a_parent UNIQUE (parent_id, name),
    FOREIGN KEY (parent_id) REFERENCES categories (id)
);

CREATE TABLE products (
    sku varchar(20) NOT NULL PRIMARY KEY,
    name varchar(200) NOT NULL,
    price decimal(65, 30) NOT NULL DEFAULT 9.90,
    weight float,
    rating double NOT NULL DEFAULT 2.5,
    stock int unsigned NOT NULL DEFAULT 0,
    sold bigint unsigned NOT NULL DEFAULT 0,
    shelf smallint unsigned,
    level tinyint NOT NULL DEFAULT -1,
    depth mediumint NOT NULL DEFAULT 3,
    code varchar(30) UNIQUE,
    size enum ('small', 'large', 'extra large') NOT NULL DEFAULT 'small',
    type varchar(30) NOT NULL DEFAULT 'it''s a thing',
    summary tinytext,
    description text,
    manual mediumtext,
    history longtext,
    upper_name varchar(200) GENERATED ALWAYS AS (upper(name)) VIRTUAL,
    name_length int GENERATED ALWAYS AS (char_length(name)) STORED,
    colours set ('red', 'green'),
    category_id int,
    replaced_by varchar(30),
    CONSTRAINT by_category_of_products FOREIGN KEY (category_id) REFERENCES categories (id) ON DELETE SET NULL,
    CONSTRAINT replacement FOREIGN KEY (replaced_by) REFERENCES products (code) ON DELETE SET NULL,
    CONSTRAINT price_is_no_debt CHECK (price >= 0),
    CONSTRAINT upper_is_short CHECK (char_length(upper_name) < 100)
);

CREATE INDEX by_category ON products (category_id, rating DESC);

CREATE INDEX by_upper_name ON products (upper_name);

CREATE FULLTEXT INDEX products_words ON products (description);

CREATE TABLE tags (
    id int unsigned NOT NULL AUTO_INCREMENT PRIMARY KEY,
    name varchar(100) NOT NULL UNIQUE
);

CREATE TABLE product_tags (
    product_sku varchar(20) NOT NULL,
    tag_id int unsigned NOT NULL,
    PRIMARY KEY (product_sku, tag_id),
    CONSTRAINT tagged_product FOREIGN KEY (product_sku) REFERENCES products (sku) ON DELETE CASCADE ON UPDATE CASCADE,
    CONSTRAINT tag_of_product FOREIGN KEY (tag_id) REFERENCES tags (id) ON DELETE CASCADE
);

CREATE TABLE orders (
    id bigint unsigned NOT NULL AUTO_INCREMENT PRIMARY KEY,
    customer_id binary(16) NOT NULL,
    status enum ('new', 'paid', 'sent back') NOT NULL DEFAULT 'new',
    `orderedVia` varchar(20),
    note text NOT NULL DEFAULT '',
    placed_at datetime(6) NOT NULL,
    CONSTRAINT ordered_by FOREIGN KEY (customer_id) REFERENCES customers (id) ON DELETE RESTRICT,
    CONSTRAINT ordered_by_again FOREIGN KEY (customer_id) REFERENCES customers (id)
);

CREATE INDEX orders_of_customer ON orders (customer_id, placed_at DESC);

CREATE TABLE order_lines (
    order_id bigint unsigned NOT NULL,
    position smallint NOT NULL,
    sku varchar(20) NOT NULL,
    count int NOT NULL DEFAULT 1 CHECK (count BETWEEN 1 AND 1000),
    PRIMARY KEY (order_id, position),
    CONSTRAINT line_of_order FOREIGN KEY (order_id) REFERENCES orders (id) ON DELETE CASCADE,
    CONSTRAINT product_of_line FOREIGN KEY (sku) REFERENCES products (sku)
);

CREATE TABLE order_line_notes (
    id bigint NOT NULL AUTO_INCREMENT PRIMARY KEY,
    order_id bigint unsigned NOT NULL,
    position smallint NOT NULL,
    text text NOT NULL,
    CONSTRAINT of_line FOREIGN KEY (order_id, position) REFERENCES order_lines (order_id, position)
);

CREATE TABLE order_line_marks (
    id bigint NOT NULL AUTO_INCREMENT PRIMARY KEY,
    order_id bigint unsigned NOT NULL,
    position smallint NOT NULL,
    CONSTRAINT mark_of_line FOREIGN KEY (order_id, position) REFERENCES order_lines (order_id, position)
        ON DELETE CASCADE
);

CREATE TABLE visits (
    address inet6 NOT NULL,
    at timestamp NOT NULL DEFAULT current_timestamp()
);

CREATE TABLE old_invoices (
    number bigint NOT NULL PRIMARY KEY,
    reference uuid NOT NULL,
    total decimal(10, 2) NOT NULL,
    country char(2) NOT NULL DEFAULT 'DE',
    paid_at datetime,
    printed_at time(3)
);
