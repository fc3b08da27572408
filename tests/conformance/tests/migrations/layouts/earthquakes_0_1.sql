-- The quickstart's table as version 0.1 makes it.
CREATE TABLE "earthquakes" ("id" TEXT NOT NULL, "time" INTEGER NOT NULL, "latitude" ANY NOT NULL, "longitude" ANY NOT NULL, "depth_km" ANY NOT NULL, "magnitude" ANY NOT NULL, "magnitude_type" TEXT NOT NULL, "place" TEXT NOT NULL, "region" TEXT NOT NULL, "status" TEXT NOT NULL, "felt_reports" INTEGER, "significance" INTEGER NOT NULL, PRIMARY KEY ("id")) STRICT;
CREATE INDEX "earthquakes_region_magnitude_idx" ON "earthquakes" ("region", "magnitude");
CREATE INDEX "earthquakes_time_idx" ON "earthquakes" ("time");
INSERT INTO "earthquakes" VALUES
    ('us7000', 1704067200000000, 37.5, 137.2, 10.0, 7.5, 'mww', 'Noto', 'Japan', 'reviewed', 650, 2000),
    ('us7001', 1704067200000001, -0.5, 0.25, 0.5, 4.5, 'mb', 'At sea', 'Atlantic', 'automatic', NULL, 312);
