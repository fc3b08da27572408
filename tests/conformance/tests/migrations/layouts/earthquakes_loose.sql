-- The quickstart's table as somebody might have made it by hand before: not STRICT, with other
-- types, with a name that has changed, and without what came later.
CREATE TABLE quakes (
    id TEXT PRIMARY KEY, time BIGINT NOT NULL, latitude DOUBLE NOT NULL, longitude DOUBLE NOT NULL,
    depth_km INTEGER NOT NULL, magnitude DOUBLE, magnitude_type VARCHAR(8) NOT NULL,
    place TEXT NOT NULL COLLATE NOCASE, region TEXT NOT NULL, status TEXT NOT NULL,
    felt_reports TEXT, significance INTEGER NOT NULL
);
CREATE INDEX by_place ON quakes (place);
CREATE VIEW strong AS SELECT id, magnitude FROM quakes WHERE magnitude > 6;
INSERT INTO quakes VALUES
    ('us7000', 1704067200000000, 37.5, 137.2, 10, 7.5, 'mww', 'Noto', 'Japan', 'reviewed', '650', 2000),
    ('us7001', 1704067200000001, -0.5, 0.25, 0, 4, 'mb', 'At sea', 'Atlantic', 'automatic', NULL, 312);
