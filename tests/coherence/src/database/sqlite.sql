CREATE TABLE audit_groups (id integer PRIMARY KEY, version integer NOT NULL)
--
CREATE TABLE audit (
    number integer PRIMARY KEY AUTOINCREMENT, row_key integer NOT NULL, old_value integer NOT NULL,
    new_value integer NOT NULL, old_form integer NOT NULL, new_form integer NOT NULL, old_version integer NOT NULL,
    new_version integer NOT NULL)
--
CREATE TRIGGER audit_items_insert AFTER INSERT ON items BEGIN
    UPDATE audit_groups SET version = version + 1 WHERE id = NEW.group_id;
    INSERT INTO audit VALUES (NULL, NEW.id, 0, NEW.value, 0, NEW.group_id * 2 + NEW.flag, 0,
        (SELECT version FROM audit_groups WHERE id = NEW.group_id));
END
--
CREATE TRIGGER audit_items_delete AFTER DELETE ON items BEGIN
    UPDATE audit_groups SET version = version + 1 WHERE id = OLD.group_id;
    INSERT INTO audit VALUES (NULL, OLD.id, OLD.value, 0, OLD.group_id * 2 + OLD.flag, 0,
        (SELECT version FROM audit_groups WHERE id = OLD.group_id), 0);
END
--
CREATE TRIGGER audit_items_update AFTER UPDATE ON items BEGIN
    UPDATE audit_groups SET version = version + 1 WHERE id IN (OLD.group_id, NEW.group_id);
    INSERT INTO audit VALUES (NULL, NEW.id, OLD.value, NEW.value, OLD.group_id * 2 + OLD.flag,
        NEW.group_id * 2 + NEW.flag, (SELECT version FROM audit_groups WHERE id = OLD.group_id),
        (SELECT version FROM audit_groups WHERE id = NEW.group_id));
END
--
CREATE TRIGGER audit_item_groups_insert AFTER INSERT ON item_groups BEGIN
    INSERT INTO audit VALUES (NULL, NEW.id + 72057594037927936, 0, NEW.value, 0, 0, 0, 0);
END
--
CREATE TRIGGER audit_item_groups_update AFTER UPDATE ON item_groups BEGIN
    INSERT INTO audit VALUES (NULL, NEW.id + 72057594037927936, OLD.value, NEW.value, 0, 0, 0, 0);
END
