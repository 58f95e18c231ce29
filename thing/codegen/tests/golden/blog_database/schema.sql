CREATE TABLE users (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    email TEXT NOT NULL UNIQUE,
    name TEXT,
    role TEXT NOT NULL DEFAULT 'reader',
    created_at TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP,
    CHECK (role IN ('reader', 'writer'))
);

CREATE TABLE profiles (
    id INTEGER PRIMARY KEY,
    bio TEXT NOT NULL DEFAULT '',
    user_id INTEGER NOT NULL UNIQUE REFERENCES users (id) ON DELETE CASCADE
);

CREATE TABLE posts (
    id INTEGER PRIMARY KEY,
    title TEXT NOT NULL CONSTRAINT posts_title_check CHECK (length(title) > 0),
    content TEXT,
    published BOOLEAN NOT NULL DEFAULT 0,
    stars INTEGER NOT NULL DEFAULT 3,
    author_id INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE ON UPDATE CASCADE,
    editor_id INTEGER CONSTRAINT edited_by REFERENCES users (id) ON DELETE SET NULL,
    CONSTRAINT stars_of_published CHECK (NOT published OR stars BETWEEN 1 AND 5)
);

CREATE INDEX best_first ON posts (author_id, stars DESC);

CREATE INDEX posts_drafts ON posts (title) WHERE NOT published;

CREATE UNIQUE INDEX one_title_each ON posts (author_id, title) WHERE published AND stars > 1;

CREATE TABLE categories (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL,
    parent_id INTEGER REFERENCES categories ON DELETE RESTRICT
);

CREATE INDEX categories_name ON categories (name DESC);

CREATE TABLE category_posts (
    category_id INTEGER NOT NULL REFERENCES categories (id) ON DELETE CASCADE,
    post_id INTEGER NOT NULL REFERENCES posts (id) ON DELETE CASCADE,
    PRIMARY KEY (category_id, post_id)
);

CREATE TABLE "_likes" (
    "A" INTEGER NOT NULL,
    "B" INTEGER NOT NULL,
    CONSTRAINT "_likes_AB_pkey" PRIMARY KEY ("A", "B"),
    CONSTRAINT "_likes_A_fkey" FOREIGN KEY ("A") REFERENCES posts (id) ON DELETE CASCADE ON UPDATE CASCADE,
    CONSTRAINT "_likes_B_fkey" FOREIGN KEY ("B") REFERENCES users (id) ON DELETE CASCADE ON UPDATE CASCADE
);

CREATE INDEX "_likes_B_index" ON "_likes" ("B");

CREATE TABLE thing_debts (id INTEGER PRIMARY KEY);

CREATE TABLE thing_migrations (id INTEGER PRIMARY KEY);
