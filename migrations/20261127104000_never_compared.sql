-- A chat that its server lists and that could not be compared even once is known too; when it was first to be compared
-- stands in checked_at then.
ALTER TABLE completeness ADD COLUMN compared boolean NOT NULL DEFAULT true;
