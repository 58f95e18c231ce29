CREATE TABLE audit_groups (id bigint PRIMARY KEY, version bigint NOT NULL) WITH (fillfactor = 40)
--
CREATE TABLE audit (
    number bigserial PRIMARY KEY, row_key bigint NOT NULL, old_value bigint NOT NULL, new_value bigint NOT NULL,
    old_form bigint NOT NULL, new_form bigint NOT NULL, old_version bigint NOT NULL, new_version bigint NOT NULL)
--
CREATE FUNCTION next_version(asked bigint) RETURNS bigint LANGUAGE sql AS $$
    UPDATE audit_groups SET version = version + 1 WHERE id = asked RETURNING version $$
--
CREATE FUNCTION audit_items() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    left_version bigint := 0;
    new_version bigint := 0;
BEGIN
    IF TG_OP = 'INSERT' THEN
        new_version := next_version(NEW.group_id);
        INSERT INTO audit VALUES (DEFAULT, NEW.id, 0, NEW.value, 0, NEW.group_id * 2 + NEW.flag::int, 0, new_version);
    ELSIF TG_OP = 'DELETE' THEN
        left_version := next_version(OLD.group_id);
        INSERT INTO audit VALUES (DEFAULT, OLD.id, OLD.value, 0, OLD.group_id * 2 + OLD.flag::int, 0, left_version, 0);
    ELSE
        IF OLD.group_id < NEW.group_id THEN
            left_version := next_version(OLD.group_id);
            new_version := next_version(NEW.group_id);
        ELSIF OLD.group_id > NEW.group_id THEN
            new_version := next_version(NEW.group_id);
            left_version := next_version(OLD.group_id);
        ELSE
            new_version := next_version(NEW.group_id);
            left_version := new_version;
        END IF;
        INSERT INTO audit VALUES (DEFAULT, NEW.id, OLD.value, NEW.value, OLD.group_id * 2 + OLD.flag::int,
            NEW.group_id * 2 + NEW.flag::int, left_version, new_version);
    END IF;
    RETURN NULL;
END $$
--
CREATE TRIGGER audit_items AFTER INSERT OR UPDATE OR DELETE ON items FOR EACH ROW EXECUTE FUNCTION audit_items()
--
CREATE FUNCTION audit_item_groups() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO audit VALUES (DEFAULT, NEW.id + 72057594037927936,
        CASE WHEN TG_OP = 'INSERT' THEN 0 ELSE OLD.value END, NEW.value, 0, 0, 0, 0);
    RETURN NULL;
END $$
--
CREATE TRIGGER audit_item_groups AFTER INSERT OR UPDATE ON item_groups
    FOR EACH ROW EXECUTE FUNCTION audit_item_groups()
