-- A merge looks for what was merged into its conversation before.
CREATE INDEX conversations_merged ON conversations (account_id, merged_into) WHERE merged_into IS NOT NULL;
