-- Ids that were given and are gone, a column that could be NULL, and one more.
CREATE TABLE "orders" ("id" INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, "customer" TEXT, "total" INTEGER NOT NULL, "paid" INTEGER NOT NULL DEFAULT 0) STRICT;
CREATE UNIQUE INDEX "orders_customer_key" ON "orders" ("customer");
INSERT INTO "orders" ("id", "customer", "total", "paid") VALUES (1, 'ada', 5, 0), (2, 'bob', 7, 1), (9, 'gone', 0, 0);
DELETE FROM "orders" WHERE "id" = 9;
