-- Which state of each team a fleet takes, where it does not take the newest.

SELECT 1;
