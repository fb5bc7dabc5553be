-- Whole queries over the tables of tests/analysis/engines/rows.py, one in each line. They are compared without regard to order, but for those that end with an ORDER BY.
SELECT * FROM o
SELECT o.* FROM o
SELECT O.ID, Region FROM o
SELECT id, id, region AS id FROM o
SELECT id AS "a b", region AS "select" FROM o
SELECT DISTINCT region FROM o
SELECT region, COUNT(*) FROM o GROUP BY region
SELECT region, COUNT(*) AS n FROM o GROUP BY 1
SELECT UPPER(region) AS r, SUM(total) FROM o GROUP BY r
SELECT region, SUM(total) AS t FROM o GROUP BY region HAVING t > 10
SELECT region, SUM(total) AS t FROM o GROUP BY region HAVING COUNT(*) > 1 AND SUM(total) > 5
SELECT COUNT(*) FROM o HAVING COUNT(*) > 100
SELECT region, city, SUM(total) FROM o GROUP BY ROLLUP (region, city)
SELECT region, city, SUM(total) FROM o GROUP BY CUBE (region, city)
SELECT region, city, SUM(total), GROUPING(region), GROUPING(city) FROM o GROUP BY GROUPING SETS ((region, city), (region), ())
SELECT region, city, COUNT(*) FROM o GROUP BY region, ROLLUP (city)
SELECT region, city, GROUPING_ID(region, city) FROM o GROUP BY CUBE (region, city)
SELECT id, total FROM o ORDER BY total, id
SELECT id, total FROM o ORDER BY total DESC, id DESC
SELECT id, total FROM o ORDER BY total DESC NULLS FIRST, id
SELECT id, total FROM o ORDER BY total ASC NULLS LAST, id
SELECT id FROM o ORDER BY region, 1
SELECT id, region AS total FROM o ORDER BY total, id
SELECT id, total * 2 AS d FROM o ORDER BY d + 1, id
SELECT region FROM o GROUP BY region ORDER BY SUM(total), region
SELECT id FROM o ORDER BY id LIMIT 3
SELECT id FROM o ORDER BY id LIMIT 3 OFFSET 2
SELECT id FROM o ORDER BY id OFFSET 5
SELECT id FROM o ORDER BY id LIMIT ALL
SELECT id FROM o LIMIT 0
SELECT o.id, p.name FROM o JOIN p ON o.pid = p.pid
SELECT o.id, p.name FROM o LEFT JOIN p ON o.pid = p.pid
SELECT o.id, p.name FROM o RIGHT OUTER JOIN p ON o.pid = p.pid
SELECT o.id, p.name FROM o FULL OUTER JOIN p ON o.pid = p.pid AND o.total > 5
SELECT o.id, p.name FROM o CROSS JOIN p
SELECT o.id, p.name FROM o, p WHERE o.pid = p.pid
SELECT * FROM o JOIN p USING (pid)
SELECT * FROM o LEFT JOIN p USING (pid)
SELECT * FROM o FULL JOIN p USING (pid)
SELECT * FROM o RIGHT JOIN p USING (pid)
SELECT pid, o.pid, p.pid FROM o FULL JOIN p USING (pid)
SELECT * FROM o NATURAL JOIN p
SELECT o.id FROM o LEFT SEMI JOIN p ON o.pid = p.pid
SELECT o.id FROM o LEFT ANTI JOIN p ON o.pid = p.pid
SELECT a.id, b.id FROM o a JOIN o b ON a.pid <=> b.pid AND a.id < b.id
SELECT o.id, p.name FROM o JOIN p ON o.pid = p.code
SELECT id FROM o WHERE pid IN (SELECT pid FROM p)
SELECT id FROM o WHERE pid NOT IN (SELECT pid FROM p WHERE pid IS NOT NULL)
SELECT id FROM o WHERE pid NOT IN (SELECT pid FROM p)
SELECT id FROM o WHERE pid IN (SELECT code FROM p)
SELECT id FROM o WHERE (pid, region) IN (SELECT pid, name FROM p)
SELECT id FROM o WHERE EXISTS (SELECT 1 FROM p WHERE p.pid = o.pid)
SELECT id FROM o WHERE NOT EXISTS (SELECT 1 FROM p WHERE p.pid = o.pid)
SELECT id FROM o WHERE EXISTS ((SELECT 1 FROM p WHERE p.pid = o.pid))
SELECT id, pid IS UNKNOWN, (pid > 1) IS NOT TRUE FROM o
SELECT id FROM o WHERE total > (SELECT AVG(total) FROM o)
SELECT id, (SELECT COUNT(*) FROM p WHERE p.pid = o.pid) AS n FROM o
SELECT region FROM o UNION SELECT name FROM p
SELECT region FROM o UNION ALL SELECT name FROM p
SELECT pid FROM o INTERSECT SELECT pid FROM p
SELECT pid FROM o INTERSECT ALL SELECT pid FROM p
SELECT pid FROM o EXCEPT SELECT pid FROM p
SELECT pid FROM o EXCEPT ALL SELECT pid FROM p
SELECT pid FROM o MINUS SELECT pid FROM p
SELECT pid, total FROM o UNION ALL SELECT code, 1.5 FROM p
SELECT id AS k FROM o UNION ALL SELECT pid FROM p ORDER BY k LIMIT 4
(SELECT id FROM o ORDER BY id LIMIT 2) UNION ALL (SELECT pid FROM p ORDER BY pid LIMIT 2)
SELECT x FROM (SELECT id AS x FROM o UNION SELECT pid FROM p) u WHERE x > 2
WITH a AS (SELECT region, SUM(total) AS t FROM o GROUP BY region), b AS (SELECT MAX(t) AS m FROM a) SELECT a.region FROM a JOIN b ON a.t = b.m
WITH o AS (SELECT pid AS id FROM p) SELECT id FROM o
WITH a(x, y) AS (SELECT id, region FROM o) SELECT y, x FROM a
SELECT t.x + 1 FROM (SELECT id FROM o) AS t(x)
SELECT n.a, o.id FROM o JOIN (VALUES (1, 'x'), (2, NULL)) AS n(a, b) ON n.a = o.id
SELECT v.col1, COUNT(*) FROM o, VALUES ('EU'), ('US') AS v WHERE v.col1 = o.region GROUP BY v.col1
SELECT id, l FROM o, o.lines l
SELECT id, l.sku, l.qty FROM o, o.lines AS l
SELECT id, i, l.sku FROM o, o.lines AS l AT i
SELECT id, tag FROM o, o.tags tag WHERE tag <> 'b'
SELECT id, l.sku, x FROM o, o.lines l, l.sizes x
SELECT id, lines[0].sku, lines.sku, attrs['k'] FROM o
SELECT id, addr.city, addr.geo.lat FROM o
SELECT addr.city AS c, COUNT(*) FROM o GROUP BY addr.city
SELECT region, RANK() OVER (PARTITION BY region ORDER BY total DESC) AS r, id FROM o
SELECT id, SUM(total) OVER w AS s FROM o WINDOW w AS (PARTITION BY region ORDER BY id ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW)
SELECT region, SUM(SUM(total)) OVER (ORDER BY region ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS r FROM o GROUP BY region
SELECT id + 1 AS x, x * 2 AS y FROM o
SELECT region + '-' + city AS k FROM o
SELECT TRUNC(total), TRUNC(day), TRUNC(at) FROM o
SELECT CONVERT(STRING, id) || region, id ^ 2 FROM o
SELECT id FROM o WHERE region LIKE 'E%' OR city ILIKE 'ro%'
SELECT id FROM o WHERE region = ANY (SELECT name FROM p)
SELECT CASE WHEN total IS NULL THEN 'none' WHEN total > 5 THEN 'big' ELSE 'small' END AS size, COUNT(*) FROM o GROUP BY CASE WHEN total IS NULL THEN 'none' WHEN total > 5 THEN 'big' ELSE 'small' END
SELECT COUNT(DISTINCT region, city), COUNT(DISTINCT pid) FROM o
SELECT region, COLLECT_SET(city) FROM o WHERE id = 1 GROUP BY region
SELECT EXPLODE(tags) AS t FROM o
SELECT MAX(s) FROM (SELECT region, SUM(total) AS s FROM o GROUP BY region)
SELECT /*+ BROADCAST(p) */ o.id FROM o JOIN p ON o.pid = p.pid
SELECT SUM(total) FROM o WHERE day >= '2024-01-01' AND day < DATE '2024-02-01' + INTERVAL 1 DAY
SELECT day - 14, day + INTERVAL 1 MONTH, at - INTERVAL '1' HOUR FROM o
SELECT k, COUNT(*) FROM o GROUP BY k
SELECT id FROM o WHERE k = 7
CACHE TABLE eu AS SELECT * FROM o WHERE region = 'EU'; SELECT COUNT(*) FROM eu
CACHE TABLE my.eu AS SELECT id, total FROM o WHERE region = 'EU'; CACHE TABLE s AS SELECT SUM(total) AS t FROM my.eu; SELECT eu.id, s.t FROM my.eu, s
SELECT COUNT(*) + 0 AS a FROM o
SELECT region, COUNT(*) - 1 AS a, COUNT(*) * COUNT(region) AS b FROM o GROUP BY region HAVING COUNT(*) + 1 > 2 ORDER BY region
SELECT id, (SELECT COUNT(*) FROM o) + 1 AS n FROM o
SELECT id, ROW_NUMBER() OVER (ORDER BY id) + 1 AS n FROM o
SELECT id FROM o WHERE id + (SELECT COUNT(*) FROM o) > 8
SELECT region, SUM(COUNT(*) + 1) OVER (PARTITION BY region) AS s FROM o GROUP BY region
SELECT TO_DATE(MAX(region)) AS d, CAST(CAST(MAX(id) AS STRING) AS BIGINT) + 1 AS i FROM o
SELECT LENGTH(region) + COUNT(*) AS k FROM o GROUP BY region
SELECT LENGTH(region) + COUNT(*) AS k, CAST(LENGTH(region) AS BIGINT) + 1 AS m FROM o GROUP BY LENGTH(region)
-- Chars
SELECT n, c, LENGTH(c), CONCAT(c, '|'), w, v, a, k, LENGTH(k) FROM h ORDER BY n
SELECT n FROM h WHERE c = 'ab' ORDER BY n
SELECT n FROM h WHERE 'ab' <> c ORDER BY n
SELECT n, c <= 'ab', c <=> 'ab', 'ab' < c FROM h ORDER BY n
SELECT n FROM h WHERE c = 'ab      ' ORDER BY n
SELECT n FROM h WHERE c = 'abcdefgh' ORDER BY n
SELECT n FROM h WHERE c IN ('ab', '  x', 'abcdefgh') ORDER BY n
SELECT n FROM h WHERE c NOT IN ('ab', 'z') ORDER BY n
SELECT n FROM h WHERE c IN ('ab', NULL) ORDER BY n
SELECT n FROM h WHERE c IN (w) ORDER BY n
SELECT n FROM h WHERE c IN (w, 'ab') ORDER BY n
SELECT n FROM h WHERE 'ab' IN (c, w) ORDER BY n
SELECT n FROM h WHERE c BETWEEN 'ab' AND 'ab' ORDER BY n
SELECT n FROM h WHERE c = CAST('ab' AS VARCHAR(3)) ORDER BY n
SELECT n FROM h WHERE CAST(c AS STRING) = 'ab' ORDER BY n
SELECT n FROM h WHERE LOWER(c) = 'ab' OR TRIM(c) = 'x' ORDER BY n
SELECT n, c = w, c < w, c = v, w = v FROM h ORDER BY n
SELECT n, c LIKE 'ab', c LIKE 'ab%', NULLIF(c, 'ab'), COALESCE(c, 'x') = 'ab' FROM h ORDER BY n
SELECT n, CASE c WHEN 'ab' THEN 1 WHEN 'x' THEN 2 ELSE 0 END, CASE WHEN w = 'x' THEN 1 END FROM h ORDER BY n
SELECT d FROM (SELECT c AS d FROM h) t WHERE d = 'ab'
SELECT d FROM (SELECT c AS d FROM h UNION ALL SELECT w FROM h) t WHERE d = 'ab' ORDER BY d
WITH x AS (SELECT DISTINCT c, w FROM h) SELECT w FROM x WHERE c = 'ab' AND w = 'ab'
SELECT c, COUNT(*) FROM h GROUP BY c HAVING c = 'ab'
SELECT x.n, y.n FROM h x JOIN h y ON x.c = y.w ORDER BY x.n, y.n
SELECT x.n, y.n FROM h x JOIN h y USING (c) ORDER BY x.n, y.n
SELECT x.n FROM h x JOIN (SELECT 'ab' AS c) y ON x.c = y.c
SELECT n FROM h WHERE c IN (SELECT w FROM h) ORDER BY n
SELECT n, a[0] = 'ab', ARRAY_CONTAINS(a, 'ab') FROM h ORDER BY n
SELECT n FROM h WHERE k = 'k' AND c = 'ab'
CACHE TABLE z AS SELECT n, c FROM h; SELECT n FROM z WHERE c = 'ab'
