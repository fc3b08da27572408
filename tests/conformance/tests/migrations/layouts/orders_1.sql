-- A key that SQLite may give again, and a column that has moved on.
CREATE TABLE "orders" ("id" INTEGER NOT NULL PRIMARY KEY, "customer" TEXT NOT NULL, "total" INTEGER NOT NULL) STRICT;
INSERT INTO "orders" VALUES (1, 'ada', 5), (2, 'bob', 7);
