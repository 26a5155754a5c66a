-- What tells that the database is behind what was published.

SELECT 1;
