-- What is never to be trusted, and who holds the keys that sign for teams.

SELECT 1;
