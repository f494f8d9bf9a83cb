-- SPDX-License-Identifier: GPL-3.0-or-later
--
-- Writes the statements that show all databases of a server; see portrait()
-- in tests/bats/mariadb.bash.

SET SESSION sql_mode = '', group_concat_max_len = 100000000;
SET @hidden = 'mysql,sys,information_schema,performance_schema';
DELIMITER $$
CREATE OR REPLACE FUNCTION mysql.bk_quoted(a VARCHAR(256) CHARSET utf8mb4)
	RETURNS VARCHAR(600) CHARSET utf8mb4 DETERMINISTIC
	RETURN CONCAT('`', REPLACE(a, '`', '``'), '`')$$
CREATE OR REPLACE FUNCTION mysql.bk_name(a VARCHAR(256) CHARSET utf8mb4, b VARCHAR(256) CHARSET utf8mb4)
	RETURNS VARCHAR(1200) CHARSET utf8mb4 DETERMINISTIC
	RETURN CONCAT(mysql.bk_quoted(a), '.', mysql.bk_quoted(b))$$
DELIMITER ;

SELECT 'SET time_zone = ''+00:00'', sql_mode = '''';';

-- What information_schema has, but for these columns.
SELECT CONCAT('SELECT ''', x.table_name, ''', ', GROUP_CONCAT(CONCAT(
	'''', x.column_name, ''', ', IF(x.data_type LIKE '%text', CONCAT('REPLACE(', x.column_name,
	', ''\\n'', ''\\\\n'')'), x.column_name)) ORDER BY x.ordinal_position SEPARATOR ', '),
	' FROM information_schema.', x.table_name, ' WHERE NOT FIND_IN_SET(',
	CASE x.table_name WHEN 'SCHEMATA' THEN 'schema_name'
		WHEN 'TRIGGERS' THEN 'trigger_schema' WHEN 'EVENTS' THEN 'event_schema'
		WHEN 'ROUTINES' THEN 'routine_schema' WHEN 'PARAMETERS' THEN 'specific_schema'
		WHEN 'KEY_COLUMN_USAGE' THEN 'constraint_schema'
		WHEN 'REFERENTIAL_CONSTRAINTS' THEN 'constraint_schema'
		WHEN 'CHECK_CONSTRAINTS' THEN 'constraint_schema'
		ELSE 'table_schema' END, ', ''', @hidden, ''') ORDER BY ',
	GROUP_CONCAT(IF(x.data_type LIKE '%text', NULL, CONCAT('BINARY ', x.column_name)) ORDER BY x.ordinal_position SEPARATOR ', '), ';')
FROM (SELECT c.*, ROW_NUMBER() OVER (PARTITION BY c.table_name ORDER BY c.ordinal_position) AS n
	FROM information_schema.columns c
	WHERE c.table_schema = 'information_schema' AND c.table_name IN
		('SCHEMATA', 'COLUMNS', 'STATISTICS', 'TRIGGERS', 'EVENTS', 'ROUTINES', 'PARAMETERS', 'VIEWS',
		'KEY_COLUMN_USAGE', 'REFERENTIAL_CONSTRAINTS', 'CHECK_CONSTRAINTS')
	AND c.column_name NOT IN ('CREATED', 'LAST_ALTERED', 'LAST_EXECUTED', 'CARDINALITY')) x
GROUP BY x.table_name;
SELECT 'SELECT ''TABLES'', table_schema, table_name, table_type, engine, row_format, table_collation,
	IF(engine = ''Aria'', '''', create_options), REPLACE(table_comment, ''\\n'', ''\\\\n'')
	FROM information_schema.tables WHERE table_schema NOT IN (''mysql'', ''sys'', ''information_schema'', ''performance_schema'')
	ORDER BY 2, BINARY table_name;';
SELECT 'SELECT ''PARTITIONS'', table_schema, table_name, partition_name, subpartition_name, partition_ordinal_position,
	subpartition_ordinal_position, partition_method, subpartition_method, partition_expression, subpartition_expression,
	partition_description, partition_comment FROM information_schema.partitions WHERE partition_name IS NOT NULL
	AND table_schema NOT IN (''mysql'', ''sys'') ORDER BY 2, BINARY table_name, 6, 7;';

-- Each object as the server tells it, and the sum of its rows.
SELECT CONCAT('SHOW CREATE DATABASE ', mysql.bk_quoted(schema_name), ';')
	FROM information_schema.schemata WHERE NOT FIND_IN_SET(schema_name, @hidden) ORDER BY 1;
SELECT CONCAT('SHOW CREATE ', IF(table_type = 'VIEW', 'VIEW ', 'TABLE '), mysql.bk_name(table_schema, table_name), ';')
	FROM information_schema.tables WHERE NOT FIND_IN_SET(table_schema, @hidden) AND table_type <> 'SEQUENCE' ORDER BY BINARY table_schema, BINARY table_name;
SELECT CONCAT('SHOW CREATE SEQUENCE ', mysql.bk_name(table_schema, table_name), '; SELECT * FROM ', mysql.bk_name(table_schema, table_name), ';')
	FROM information_schema.tables WHERE NOT FIND_IN_SET(table_schema, @hidden) AND table_type = 'SEQUENCE' ORDER BY BINARY table_schema, BINARY table_name;
SELECT CONCAT('SHOW CREATE ', routine_type, ' ', mysql.bk_name(routine_schema, routine_name), ';')
	FROM information_schema.routines WHERE NOT FIND_IN_SET(routine_schema, @hidden) ORDER BY BINARY routine_schema, BINARY routine_name;
SELECT CONCAT('SHOW CREATE EVENT ', mysql.bk_name(event_schema, event_name), ';')
	FROM information_schema.events WHERE NOT FIND_IN_SET(event_schema, @hidden) ORDER BY BINARY event_schema, BINARY event_name;
-- A sum over all values, exact for each type; and the server's own, where it
-- is not of bytes that no value has: of generated columns, of NULL in UUIDs.
SELECT CONCAT('SELECT ''sum'', ', QUOTE(t.table_name), ', COUNT(*), SUM(CAST(CONV(LEFT(MD5(CONCAT_WS('','', ',
	GROUP_CONCAT('IFNULL(', CASE WHEN data_type IN ('uuid', 'inet4', 'inet6') THEN CONCAT('CAST(', q, ' AS CHAR)')
		WHEN data_type IN ('enum', 'set') THEN CONCAT('CONCAT(', q, ' + 0, ''/'', HEX(', q, '))')
		WHEN data_type = 'float' THEN CONCAT('CAST(', q, ' AS DOUBLE)')
		WHEN data_type = 'bit' THEN CONCAT(q, ' + 0')
		WHEN data_type RLIKE 'int$|decimal|double|date|time|year' THEN q ELSE CONCAT('HEX(', q, ')') END,
		', ''NULL'')' ORDER BY ordinal_position SEPARATOR ', '),
	IF(table_type = 'SYSTEM VERSIONED' AND SUM(generation_expression <=> 'ROW START') = 0, ', ROW_START, ROW_END', ''),
	')), 15), 16, 10) AS UNSIGNED)) FROM ', mysql.bk_name(t.table_schema, t.table_name),
	IF(table_type = 'SYSTEM VERSIONED', ' FOR SYSTEM_TIME ALL;', ';'),
	IF(SUM(data_type IN ('uuid', 'inet4', 'inet6') OR is_generated = 'ALWAYS'), '',
		CONCAT(' CHECKSUM TABLE ', mysql.bk_name(t.table_schema, t.table_name), ' EXTENDED;')))
	FROM information_schema.tables t JOIN (SELECT c.*, mysql.bk_quoted(column_name) AS q FROM information_schema.columns c) c
	ON c.table_schema = t.table_schema AND BINARY c.table_name = t.table_name
	WHERE NOT FIND_IN_SET(t.table_schema, @hidden)
	AND table_type IN ('BASE TABLE', 'SYSTEM VERSIONED') GROUP BY BINARY t.table_schema, BINARY t.table_name
	ORDER BY BINARY t.table_schema, BINARY t.table_name;
DROP FUNCTION mysql.bk_quoted;
DROP FUNCTION mysql.bk_name;
