-- Drafts of a fleet's offline metadata, and the ceremonies that sign them.

SELECT 1;
