CREATE TABLE audit_groups (id bigint PRIMARY KEY, version bigint NOT NULL)
--
CREATE TABLE audit (
    number bigint AUTO_INCREMENT PRIMARY KEY, row_key bigint NOT NULL, old_value bigint NOT NULL,
    new_value bigint NOT NULL, old_form bigint NOT NULL, new_form bigint NOT NULL, old_version bigint NOT NULL,
    new_version bigint NOT NULL)
--
CREATE TRIGGER audit_items_insert AFTER INSERT ON items FOR EACH ROW BEGIN
    UPDATE audit_groups SET version = (@coherence_new := version + 1) WHERE id = NEW.group_id;
    INSERT INTO audit VALUES (DEFAULT, NEW.id, 0, NEW.value, 0, NEW.group_id * 2 + NEW.flag, 0, @coherence_new);
END
--
CREATE TRIGGER audit_items_delete AFTER DELETE ON items FOR EACH ROW BEGIN
    UPDATE audit_groups SET version = (@coherence_old := version + 1) WHERE id = OLD.group_id;
    INSERT INTO audit VALUES (DEFAULT, OLD.id, OLD.value, 0, OLD.group_id * 2 + OLD.flag, 0, @coherence_old, 0);
END
--
CREATE TRIGGER audit_items_update AFTER UPDATE ON items FOR EACH ROW BEGIN
    IF OLD.group_id < NEW.group_id THEN
        UPDATE audit_groups SET version = (@coherence_old := version + 1) WHERE id = OLD.group_id;
        UPDATE audit_groups SET version = (@coherence_new := version + 1) WHERE id = NEW.group_id;
    ELSE
        UPDATE audit_groups SET version = (@coherence_new := version + 1) WHERE id = NEW.group_id;
        SET @coherence_old = @coherence_new;
        IF OLD.group_id > NEW.group_id THEN
            UPDATE audit_groups SET version = (@coherence_old := version + 1) WHERE id = OLD.group_id;
        END IF;
    END IF;
    INSERT INTO audit VALUES (DEFAULT, NEW.id, OLD.value, NEW.value, OLD.group_id * 2 + OLD.flag,
        NEW.group_id * 2 + NEW.flag, @coherence_old, @coherence_new);
END
--
CREATE TRIGGER audit_item_groups_insert AFTER INSERT ON item_groups FOR EACH ROW
    INSERT INTO audit VALUES (DEFAULT, NEW.id + 72057594037927936, 0, NEW.value, 0, 0, 0, 0)
--
CREATE TRIGGER audit_item_groups_update AFTER UPDATE ON item_groups FOR EACH ROW
    INSERT INTO audit VALUES (DEFAULT, NEW.id + 72057594037927936, OLD.value, NEW.value, 0, 0, 0, 0)
