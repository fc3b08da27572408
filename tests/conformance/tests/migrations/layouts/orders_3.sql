-- By a key of two columns, of which one is generated, in a table of its own form.
CREATE TABLE "storehouse_sequences" (name TEXT NOT NULL PRIMARY KEY, value INTEGER NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE "purchases" ("id" INTEGER NOT NULL, "customer" TEXT NOT NULL, "total" INTEGER NOT NULL, PRIMARY KEY ("customer", "id")) STRICT, WITHOUT ROWID;
CREATE INDEX "purchases_id_auto" ON "purchases" ("id");
INSERT INTO "storehouse_sequences" VALUES ('purchases', 9);
INSERT INTO "purchases" VALUES (1, 'ada', 5), (2, 'bob', 7);
