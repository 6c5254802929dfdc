-- Until when the certificate is good that the account's server showed last; null where there is none.
ALTER TABLE account_status ADD COLUMN certificate_until timestamptz;
