-- SPDX-License-Identifier: GPL-3.0-or-later
--
-- What a dump can get wrong, in a few databases; loaded by
--	mariadb --binary-mode --default-character-set=utf8mb4 <torture.sql
-- as root, MariaDB 10.11 or later. The same each time, but for the times at
-- which objects were made.

SET NAMES utf8mb4, time_zone = '+00:00', sql_mode = 'NO_UNSIGNED_SUBTRACTION';
SET group_concat_max_len = 1048576, max_recursive_iterations = 100000;

CREATE ROLE reader;
CREATE ROLE `ro``le'x` WITH ADMIN root@localhost;
CREATE USER app@localhost IDENTIFIED BY 'app-secret';
CREATE USER `o'brien`@`10.0.0.%` IDENTIFIED VIA mysql_native_password
	USING '*2470C0C06DEE42FD1618BB99005ADCA2EC9D1E19'
	REQUIRE SSL WITH MAX_USER_CONNECTIONS 3 ACCOUNT LOCK;
GRANT SELECT ON *.* TO reader;
GRANT reader TO `ro``le'x`;
GRANT `ro``le'x` TO app@localhost WITH ADMIN OPTION;
SET DEFAULT ROLE `ro``le'x` FOR app@localhost;

CREATE DATABASE torture CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci
	COMMENT 'it''s "all" of it; -- */';
CREATE DATABASE torture_latin CHARACTER SET latin1 COLLATE latin1_german2_ci;
CREATE DATABASE torture_empty CHARACTER SET ucs2;
CREATE DATABASE `we``ird.na/me`;
CREATE DATABASE `manifest.json`;
CREATE DATABASE `new
line`;
CREATE DATABASE `Umläut 数据`;
GRANT ALL ON torture.* TO app@localhost;
GRANT SELECT ON `torture\_%`.* TO `o'brien`@`10.0.0.%` WITH GRANT OPTION;
USE torture;

-- Numbers ----------------------------------------------------------------

CREATE TABLE ints (
	id INT AUTO_INCREMENT PRIMARY KEY,
	t TINYINT, tu TINYINT UNSIGNED, tz TINYINT(3) ZEROFILL,
	s SMALLINT, su SMALLINT UNSIGNED,
	m MEDIUMINT, mu MEDIUMINT UNSIGNED,
	i INT, iu INT UNSIGNED, iz INT(10) UNSIGNED ZEROFILL,
	b BIGINT, bu BIGINT UNSIGNED, bz BIGINT(20) ZEROFILL,
	yes BOOL, y YEAR, y2 YEAR(4)
) AUTO_INCREMENT = 1000;
SET sql_mode = 'NO_AUTO_VALUE_ON_ZERO';
INSERT INTO ints VALUES
	(-5, -128, 0, 7, -32768, 0, -8388608, 0, -2147483648, 0, 42,
	 -9223372036854775808, 0, 1, 1, 1901, 0),
	(0, 127, 255, 255, 32767, 65535, 8388607, 16777215, 2147483647,
	 4294967295, 4294967295, 9223372036854775807, 18446744073709551615,
	 18446744073709551615, 0, 2155, 2000),
	(1, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL,
	 NULL, NULL, NULL, NULL, NULL);
SET sql_mode = 'NO_UNSIGNED_SUBTRACTION';

CREATE TABLE bits (
	id INT PRIMARY KEY, b1 BIT(1), b7 BIT(7), b8 BIT(8), b33 BIT(33), b64 BIT(64)
);
INSERT INTO bits VALUES
	(1, b'0', b'0', b'0', b'0', b'0'),
	(2, b'1', b'1111111', b'11111111', ~0 >> 31, ~0),
	(3, NULL, NULL, NULL, NULL, NULL),
	(4, b'1', 0x27, 0x5c, 0x0027225c00, 0x00275c220a0d1a00);

CREATE TABLE decimals (
	id INT PRIMARY KEY, d DECIMAL, d0 DECIMAL(65,0), d30 DECIMAL(65,30),
	d38 DECIMAL(38,38), du DECIMAL(20,4) UNSIGNED, dz DECIMAL(12,3) ZEROFILL
);
INSERT INTO decimals VALUES
	(1, -9999999999, REPEAT('9', 65), CONCAT('-', REPEAT('9', 35), '.',
	 REPEAT('9', 30)), CONCAT('0.', REPEAT('9', 38)), 0.0001, 1.5),
	(2, 0, 0, '0.000000000000000000000000000001', '-0.1', 0, 0),
	(3, NULL, NULL, NULL, NULL, NULL, NULL);

CREATE TABLE floats (
	id INT PRIMARY KEY, f FLOAT, fu FLOAT UNSIGNED, f73 FLOAT(7,3),
	d DOUBLE, du DOUBLE UNSIGNED, d10 DOUBLE(30,10)
);
INSERT INTO floats VALUES
	(1, 16777217, 16777217, 123.456, 9007199254740993, 1e308, 1234567890.0123456789),
	(2, 123456.789, 123456.789, 0.001, 0.1, 4.9406564584124654e-324, 0),
	(3, 3.402823466e38, 1.17549435e-38, -9999.999, 1.7976931348623157e308, 0.3, -1),
	(4, -3.402823466e38, 1.4e-45, 1e-3, -1.7976931348623157e308, 2.2250738585072014e-308, 1e19),
	(5, -0.0, 0.0, -0.0, -0.0, 0.0, -0.0),
	(6, NULL, NULL, NULL, NULL, NULL, NULL),
	(7, 1e-40, 1e-40, 0.5, 5e-324, 1.5, 2.5);
INSERT INTO floats SELECT 100 + seq, (RAND(seq) - 0.5) * POW(10, seq % 76 - 38),
	RAND(seq + 7000) * POW(2, seq % 100), RAND(seq) * 9999,
	(RAND(seq + 1) - 0.5) * POW(10, seq % 600 - 300), RAND(seq + 2), RAND(seq) * 1e12
	FROM seq_1_to_2000;

-- A whole table of them, in several ranges of a key that is a FLOAT itself.
CREATE TABLE float_key (f FLOAT NOT NULL, n INT NOT NULL, PRIMARY KEY (f, n));
INSERT INTO float_key SELECT (RAND(seq) - 0.5) * 1e6, seq FROM seq_1_to_3000;

-- Times --------------------------------------------------------------------

CREATE TABLE times (
	id INT PRIMARY KEY, d DATE, t TIME, t6 TIME(6), dt DATETIME, dt6 DATETIME(6),
	ts TIMESTAMP NULL, ts6 TIMESTAMP(6) NULL,
	cur TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP ON UPDATE CURRENT_TIMESTAMP,
	cur3 DATETIME(3) DEFAULT CURRENT_TIMESTAMP(3) ON UPDATE CURRENT_TIMESTAMP(3),
	expr DATETIME DEFAULT ('2000-01-01' + INTERVAL 1 DAY)
);
INSERT INTO times VALUES
	(1, '0000-00-00', '-838:59:59', '-838:59:59.999999', '0000-00-00',
	 '0000-00-00', 0, 0, 0, 0, 0),
	(2, '9999-12-31', '838:59:59', '838:59:59.999999', '9999-12-31 23:59:59',
	 '9999-12-31 23:59:59.999999', '2038-01-19 03:14:07',
	 '2038-01-19 03:14:07.999999', '1970-01-01 00:00:01', '1000-01-01', NULL),
	(3, '2024-00-00', '-00:00:01', '-00:00:00.000001', '2024-02-00 10:00:00',
	 '0001-01-01', '1970-01-01 00:00:01', '1970-01-01 00:00:01.000001',
	 '2026-10-25 00:30:00', NULL, '2026-10-25 02:30:00'),
	(4, NULL, NULL, NULL, NULL, NULL, '2026-10-25 00:30:00',
	 '2026-10-25 01:30:00.5', '2026-10-25 01:30:00', '2026-03-29 02:30:00.123', NULL),
	(5, '2023-02-29', '00:00:00', '00:00:00.1', '2024-02-29', '2024-02-29 00:00:00.000001',
	 NULL, NULL, '2001-01-01', '2001-01-01', '2001-01-01');

-- Text ---------------------------------------------------------------------

CREATE TABLE strings (
	id INT PRIMARY KEY, c CHAR(20), v VARCHAR(200), t TEXT, tt TINYTEXT, m MEDIUMTEXT, l LONGTEXT
);
INSERT INTO strings VALUES
	(1, '', '', '', '', '', ''),
	(2, NULL, NULL, NULL, NULL, NULL, NULL),
	(3, 'NULL', 'it''s', '"quoted"', 'back\\slash', '\\', '\\\''),
	(4, 'a\nb', 'a\r\nb', 'nul\0byte', 'ctrl\Z', 'tab\tbell\b', '\r'),
	(5, ';', '-- comment', '/* open', '*/', 'DELIMITER ;;\n', '#'),
	(6, '\\0', '\\n', '%_\\%\\_', '`tick`', '/*!50000 x */', '\\N'),
	(7, 'trail ', 'trail  ', 'trail ', ' lead', '   ', '\n\n'),
	(8, 'äöü', 'Größe', '日本語', 'עברית', '😀🏳️‍🌈', '\u0000 𝄞'),
	(9, 'e\u0301', 'ß', 'ﬁ', '\'\'\'', '''\\''', ''';\nDROP DATABASE x; --'),
	(10, '\nDELIMITER //', '//', '$$', '\\d x', 'source /etc/passwd', '\\! id');
INSERT INTO strings (id, l) SELECT 1000 + seq, REPEAT(CHAR(seq USING latin1), seq)
	FROM seq_0_to_127;
INSERT INTO strings (id, l) VALUES (2000, REPEAT('0123456789abcde\n', 65536));

CREATE TABLE charsets (
	id INT PRIMARY KEY,
	latin1 VARCHAR(300) CHARACTER SET latin1,
	latin2 VARCHAR(300) CHARACTER SET latin2,
	cp1251 VARCHAR(300) CHARACTER SET cp1251,
	koi8r VARCHAR(300) CHARACTER SET koi8r,
	ascii VARCHAR(300) CHARACTER SET ascii,
	swe7 VARCHAR(100) CHARACTER SET swe7,
	sjis VARCHAR(100) CHARACTER SET sjis,
	cp932 VARCHAR(100) CHARACTER SET cp932,
	ujis VARCHAR(100) CHARACTER SET ujis,
	eucjpms VARCHAR(100) CHARACTER SET eucjpms,
	euckr VARCHAR(100) CHARACTER SET euckr,
	gbk VARCHAR(100) CHARACTER SET gbk,
	gb2312 VARCHAR(100) CHARACTER SET gb2312,
	big5 VARCHAR(100) CHARACTER SET big5,
	tis620 VARCHAR(100) CHARACTER SET tis620,
	ucs2 VARCHAR(100) CHARACTER SET ucs2,
	utf16 VARCHAR(100) CHARACTER SET utf16,
	utf16le VARCHAR(100) CHARACTER SET utf16le,
	utf32 VARCHAR(100) CHARACTER SET utf32,
	utf8mb3 VARCHAR(100) CHARACTER SET utf8mb3,
	bin VARCHAR(100) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
	nopad TEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin
);
INSERT INTO charsets VALUES (1,
	_latin1 x'c4d6dcdfe4f6fc80a0ff', _latin2 x'b1e6eab3f1f3b6bcbf',
	_cp1251 x'cff0e8e2e5f2', _koi8r x'f0d2c9d7c5d4', 'ascii', '[\\]{|}',
	_sjis x'835c955c5c8d5c', _cp932 x'8740835c878a', _ujis x'c6fccbdcb8ec',
	_eucjpms x'ade2c6fc', _euckr x'c7d1b1db', _gbk x'815cc4e327bac3',
	_gb2312 x'c4e3bac3', _big5 x'a55ca65ca440', _tis620 x'cac7d1cab4d5',
	_ucs2 x'005c00270022000a', _utf16 x'd83dde00005c0027',
	_utf16le x'3dd800de5c002700', _utf32 x'0001f6000000005c00000027',
	'äß日', '😀', 'a\0 ');
INSERT INTO charsets (id, latin1) SELECT 2, GROUP_CONCAT(
	CHAR(seq USING latin1) ORDER BY seq SEPARATOR '') FROM seq_0_to_255;
INSERT INTO charsets (id, cp1251) SELECT 3, GROUP_CONCAT(
	CONVERT(CHAR(seq USING binary) USING cp1251) ORDER BY seq SEPARATOR '')
	FROM seq_0_to_255;
INSERT INTO charsets (id) VALUES (4);

CREATE TABLE lists (
	id INT PRIMARY KEY,
	e ENUM('', 'a', 'it''s', 'b,c', '"', 'ä', '日', 'back\\slash', 'new\nline'),
	s SET('one', 'two', 'it''s', 'ä', '"x"', 'back\\slash'),
	le ENUM('a', 'ß', 'ÿ') CHARACTER SET latin1,
	ue ENUM('a', '日') CHARACTER SET utf32
);
INSERT INTO lists VALUES
	(1, '', '', 'ß', '日'), (2, 'it''s', 'one,it''s,ä', 'a', 'a'), (3, NULL, NULL, NULL, NULL),
	(4, 'back\\slash', '"x",back\\slash', 'ÿ', 'a'), (5, 'new\nline', 63, 'bogus', 'bogus');

-- Bytes --------------------------------------------------------------------

CREATE TABLE bytes (
	id INT PRIMARY KEY, b BINARY(16), b1 BINARY(1), vb VARBINARY(300),
	tb TINYBLOB, bl BLOB, mb MEDIUMBLOB, lb LONGBLOB, KEY (vb(10))
);
INSERT INTO bytes VALUES
	(1, '', '', '', '', '', '', ''),
	(2, NULL, NULL, NULL, NULL, NULL, NULL, NULL),
	(3, x'00', x'27', x'5c', x'00', x'0d0a', x'1a', x'275c2200'),
	(4, 'abc', ' ', 'trail  ', x'ff', x'fffe', x'f09f9880', x'c328');
INSERT INTO bytes (id, vb, bl, lb) SELECT 5, a, a, REPEAT(a, 4096) FROM (
	SELECT GROUP_CONCAT(CHAR(seq USING binary) ORDER BY seq SEPARATOR '') a
	FROM seq_0_to_255) x;
INSERT INTO bytes (id, vb, bl, lb) SELECT 1000 + seq, CHAR(seq USING binary),
	CONCAT(CHAR(seq USING binary), 0x00, CHAR(255 - seq USING binary)),
	UNHEX(REPEAT(SHA2(seq, 512), 1 + seq % 9)) FROM seq_0_to_255;

CREATE TABLE compressed_column (
	id INT PRIMARY KEY, t TEXT COMPRESSED, b BLOB COMPRESSED, v VARCHAR(1000) COMPRESSED
);
INSERT INTO compressed_column SELECT seq, REPEAT('squeeze', seq * 40),
	REPEAT(x'0027', seq * 40), REPEAT('ä', seq) FROM seq_1_to_50;

CREATE TABLE dynamic_columns (id INT PRIMARY KEY, d BLOB);
INSERT INTO dynamic_columns VALUES
	(1, COLUMN_CREATE('color', 'blue', 'n', 1.5e0, 'it''s', NULL)),
	(2, COLUMN_CREATE(1, 'x', 2, DATE'2026-01-01'));

-- Newer types ----------------------------------------------------------------

CREATE TABLE documents (
	id INT PRIMARY KEY, j JSON, jd JSON DEFAULT '{"a": "it''s"}',
	name VARCHAR(50) AS (JSON_VALUE(j, '$.name')) VIRTUAL, KEY (name),
	CONSTRAINT `an object; isn't` CHECK (JSON_TYPE(j) = 'OBJECT')
);
INSERT INTO documents (id, j) VALUES
	(1, '{"name": "Zoë \\"x\\"", "n": [1, 2.50, null, true], "s": "back\\\\slash\\u00e4"}'),
	(2, '{}'), (3, NULL), (4, '{"a":\t1,\r\n "b" : "\\n"}');

CREATE TABLE addresses (
	id UUID PRIMARY KEY DEFAULT UUID(), v4 INET4, v6 INET6 NOT NULL DEFAULT '::1', u UUID
);
INSERT INTO addresses VALUES
	('00000000-0000-0000-0000-000000000000', '0.0.0.0', '::', NULL),
	('ffffffff-ffff-ffff-ffff-ffffffffffff', '255.255.255.255',
	 'ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff', 'ffffffff-ffff-ffff-ffff-ffffffffffff'),
	('123e4567-e89b-12d3-a456-426655440000', NULL, '::ffff:192.0.2.128',
	 '00000000-0000-0000-0000-000000000000'),
	('27005c22-0a0d-1a00-8000-005c27220a0d', '39.92.34.10', '2001:db8::5c27',
	 '27005c22-0a0d-4a00-8000-005c27220a0d');
INSERT INTO addresses (id, u) SELECT UNHEX(MD5(seq)), UNHEX(MD5(-seq)) FROM seq_1_to_500;

CREATE TABLE shapes (
	id INT PRIMARY KEY, g GEOMETRY, p POINT NOT NULL, l LINESTRING, pg POLYGON,
	mp MULTIPOINT, gc GEOMETRYCOLLECTION, ref POINT REF_SYSTEM_ID=4326,
	SPATIAL KEY (p)
);
INSERT INTO shapes VALUES
	(1, ST_GeomFromText('POINT(1 2)', 4326), POINT(0.1, -0.2),
	 ST_GeomFromText('LINESTRING(0 0,1 1,1e300 2)'),
	 ST_GeomFromText('POLYGON((0 0,10 0,10 10,0 10,0 0),(5 5,7 5,7 7,5 7,5 5))'),
	 ST_GeomFromText('MULTIPOINT(0 0,39 92)'),
	 ST_GeomFromText('GEOMETRYCOLLECTION(POINT(1 1),LINESTRING(2 2,3 3))'),
	 ST_GeomFromText('POINT(10 50)', 4326)),
	(2, NULL, POINT(1, 1), NULL, NULL, NULL, ST_GeomFromText('GEOMETRYCOLLECTION EMPTY'), NULL);

-- Columns --------------------------------------------------------------------

CREATE TABLE generated (
	id INT PRIMARY KEY, a INT, b VARCHAR(20) DEFAULT 'it''s; "',
	`v irt` INT AS (a * 2) VIRTUAL COMMENT 'quote '' and */',
	stored VARCHAR(60) AS (CONCAT(b, '-', a, '\'')) STORED,
	c FLOAT, half FLOAT AS (c / 3) PERSISTENT, hidden INT INVISIBLE DEFAULT 7,
	`hidden v` INT AS (a + 1) VIRTUAL INVISIBLE,
	UNIQUE (stored), KEY (`v irt`), CHECK (a IS NULL OR a > -100)
);
INSERT INTO generated (id, a, b, c, hidden) VALUES
	(1, 1, 'x', 0.1, NULL), (2, 2, DEFAULT, 16777217, 8), (3, NULL, '', NULL, DEFAULT),
	(4, -99, 'ä', 1e38, -1);
CREATE TABLE only_generated (a INT AS (1) VIRTUAL, b INT INVISIBLE);
INSERT INTO only_generated (b) VALUES (1), (NULL), (3);
CREATE TABLE only_virtual (a INT AS (1) VIRTUAL, b INT AS (2) STORED);
INSERT INTO only_virtual () VALUES (), (), ();
CREATE TABLE invisible (a INT INVISIBLE, b INT, c INT NOT NULL INVISIBLE DEFAULT 3);
INSERT INTO invisible (a, b, c) VALUES (1, 2, 3), (NULL, 5, 6);
CREATE TABLE defaults (
	id INT PRIMARY KEY, a INT DEFAULT (1 + 2), u CHAR(36) DEFAULT UUID(),
	t TEXT DEFAULT 'text''s', b BLOB DEFAULT x'0027', n INT NOT NULL,
	l VARCHAR(9) CHARACTER SET latin1 DEFAULT 'ä', z VARCHAR(9) DEFAULT '\\\'',
	bi BIT(5) DEFAULT b'10101', e ENUM('x', 'y') DEFAULT 'y'
) COMMENT 'it''s; \\ "x"
next line';
INSERT INTO defaults (id, u, n) VALUES (1, 'u', 1);
CREATE TABLE nullable_timestamp (a TIMESTAMP NULL DEFAULT NULL, b TIMESTAMP NOT NULL DEFAULT '2000-01-01');
INSERT INTO nullable_timestamp VALUES (NULL, '2001-01-01'), ('2002-02-02', 0);

-- Keys -----------------------------------------------------------------------

CREATE TABLE no_key (a INT, b VARCHAR(10));
INSERT INTO no_key VALUES (1, 'x'), (1, 'x'), (NULL, NULL), (1, 'x'), (0, '');
CREATE TABLE unique_key (a INT NOT NULL, b VARCHAR(10) NOT NULL, c INT, UNIQUE (c), UNIQUE u (b, a));
INSERT INTO unique_key SELECT seq, CONCAT('k', seq % 7), IF(seq % 3, NULL, seq) FROM seq_1_to_300;
CREATE TABLE composite_key (
	a VARCHAR(20) COLLATE utf8mb4_general_ci, b DATE, c DECIMAL(10,2), d VARBINARY(8), v INT,
	PRIMARY KEY (a, b, c, d)
);
INSERT INTO composite_key SELECT CONCAT('Key', CHAR(65 + seq % 26)), '2026-01-01' + INTERVAL seq DAY,
	seq / 7, UNHEX(MD5(seq)), seq FROM seq_1_to_2500;
CREATE TABLE descending_key (a INT, b INT, PRIMARY KEY (a DESC, b));
INSERT INTO descending_key SELECT seq % 50, seq FROM seq_1_to_2000;
CREATE TABLE case_key (a VARCHAR(20) CHARACTER SET latin1 COLLATE latin1_german2_ci PRIMARY KEY, v INT);
INSERT INTO case_key VALUES ('a', 1), ('B', 2), ('c ', 3), ('', 4), ('ä', 5), ('z\'\\', 6);
CREATE TABLE prefix_key (b BLOB NOT NULL, t TEXT NOT NULL, v INT, PRIMARY KEY (b(6), t(3)));
INSERT INTO prefix_key SELECT UNHEX(MD5(seq)), CONCAT('t', seq), seq FROM seq_1_to_1500;
CREATE TABLE enum_key (e ENUM('z', 'a', 'm') NOT NULL, s SET('q', 'b') NOT NULL, PRIMARY KEY (e, s));
INSERT INTO enum_key VALUES ('z', ''), ('a', 'q'), ('m', 'q,b'), ('a', 'b'), ('', '');
CREATE TABLE bit_key (b BIT(20) PRIMARY KEY, v INT);
INSERT INTO bit_key SELECT seq * 509, seq FROM seq_0_to_2000;
CREATE TABLE time_key (ts TIMESTAMP(3) NOT NULL DEFAULT 0, t TIME NOT NULL, PRIMARY KEY (ts, t));
INSERT INTO time_key SELECT '2026-10-25 00:00:00' + INTERVAL seq * 7 SECOND, SEC_TO_TIME(seq - 700) FROM seq_1_to_1500;
INSERT INTO time_key VALUES (0, 0);
CREATE TABLE big_key (id BIGINT UNSIGNED PRIMARY KEY, v VARCHAR(10));
INSERT INTO big_key SELECT ~seq, seq FROM seq_0_to_2000;
INSERT INTO big_key VALUES (0, 'zero'), (9223372036854775808, 'half');
CREATE TABLE sparse_key (id BIGINT PRIMARY KEY, pad VARCHAR(200));
INSERT INTO sparse_key SELECT POW(seq, 5) - 9e15, REPEAT(MD5(seq), 6) FROM seq_1_to_2000;
CREATE TABLE hash_unique (b BLOB, UNIQUE (b));
INSERT INTO hash_unique VALUES ('a'), (NULL), (NULL), (REPEAT('x', 5000));
CREATE TABLE indexes (
	a INT, b VARCHAR(300), c TEXT, KEY `it's "a" key` (a) COMMENT 'why; ''', KEY ig (b(20) DESC, a) IGNORED,
	FULLTEXT KEY ft (c), KEY h (a) USING HASH
) COMMENT = '';
INSERT INTO indexes VALUES (1, 'x', 'some words to find'), (2, 'y', 'other words');

-- Rows of every size, more than one statement of them.
CREATE TABLE wide_rows (id INT PRIMARY KEY, t MEDIUMTEXT);
INSERT INTO wide_rows SELECT seq, REPEAT(SHA2(seq, 256), seq * seq % 997) FROM seq_1_to_300;
CREATE TABLE many_rows (id INT PRIMARY KEY, n INT UNSIGNED, s VARCHAR(40), f FLOAT);
INSERT INTO many_rows SELECT seq * 3, CRC32(seq), SHA1(seq), RAND(seq) * 1e5 FROM seq_1_to_20000;

-- 60 KB of names, and a list of as much.
SET @q = (SELECT CONCAT('CREATE TABLE many_columns (',
	GROUP_CONCAT(CONCAT('`column ', LPAD(seq, 4, '0'), ' ', REPEAT('x', 48), '` INT')),
	', g INT AS (1) VIRTUAL)') FROM seq_1_to_800);
EXECUTE IMMEDIATE @q;
INSERT INTO many_columns () VALUES (), ();
UPDATE many_columns SET `column 0001 xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx` = 1,
	`column 0800 xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx` = 800;
SET @q = (SELECT CONCAT('CREATE TABLE many_words (e ENUM(',
	GROUP_CONCAT(CONCAT('''word ', seq, '''')), '))') FROM seq_1_to_4000);
EXECUTE IMMEDIATE @q;
INSERT INTO many_words VALUES ('word 1'), ('word 4000');

-- Engines, row formats ---------------------------------------------------------

CREATE TABLE myisam_table (
	id INT AUTO_INCREMENT, grp CHAR(3), t TEXT, PRIMARY KEY (grp, id), FULLTEXT KEY (t)
) ENGINE=MyISAM CHECKSUM=1 MAX_ROWS=1000000 AVG_ROW_LENGTH=50 DELAY_KEY_WRITE=1;
INSERT INTO myisam_table (grp, t) VALUES ('a', 'x'), ('b', 'words here'), ('a', 'y'), ('', '');
INSERT INTO myisam_table (grp, t) SELECT CHAR(97 + seq % 5), SHA1(seq) FROM seq_1_to_1000;
CREATE TABLE myisam_a (id INT, v VARCHAR(5), KEY (id)) ENGINE=MyISAM;
CREATE TABLE myisam_b LIKE myisam_a;
INSERT INTO myisam_a VALUES (1, 'a'), (2, 'b');
INSERT INTO myisam_b VALUES (3, 'c');
CREATE TABLE merged (id INT, v VARCHAR(5), KEY (id)) ENGINE=MERGE UNION=(myisam_a, myisam_b) INSERT_METHOD=LAST;
CREATE TABLE aria_table (id INT PRIMARY KEY, t TEXT) ENGINE=Aria TRANSACTIONAL=1;
INSERT INTO aria_table SELECT seq, REPEAT('aria', seq) FROM seq_1_to_200;
CREATE TABLE aria_fixed (id INT, c CHAR(20), UNIQUE (id)) ENGINE=Aria ROW_FORMAT=FIXED TRANSACTIONAL=0;
INSERT INTO aria_fixed VALUES (1, 'x'), (NULL, 'y'), (NULL, '');
CREATE TABLE memory_table (id INT PRIMARY KEY, v VARCHAR(20), KEY USING BTREE (v)) ENGINE=MEMORY;
INSERT INTO memory_table VALUES (1, 'forgotten'), (2, 'too');
CREATE TABLE csv_table (a INT NOT NULL, b VARCHAR(30) NOT NULL) ENGINE=CSV;
INSERT INTO csv_table VALUES (1, 'a,"b"'), (2, 'line\nbreak');
CREATE TABLE row_compressed (id INT PRIMARY KEY, t TEXT) ROW_FORMAT=COMPRESSED KEY_BLOCK_SIZE=4;
INSERT INTO row_compressed SELECT seq, REPEAT(seq, 500) FROM seq_1_to_100;
CREATE TABLE row_redundant (id INT PRIMARY KEY, t TEXT) ROW_FORMAT=REDUNDANT STATS_PERSISTENT=0;
INSERT INTO row_redundant VALUES (1, 'x');
CREATE TABLE page_compressed (id INT PRIMARY KEY, t TEXT) PAGE_COMPRESSED=1 PAGE_COMPRESSION_LEVEL=6;
INSERT INTO page_compressed SELECT seq, REPEAT(seq, 100) FROM seq_1_to_100;
CREATE TABLE empty_innodb (id INT AUTO_INCREMENT PRIMARY KEY) AUTO_INCREMENT = 77;
CREATE TABLE empty_myisam (id INT) ENGINE=MyISAM;

-- Partitions -------------------------------------------------------------------

CREATE TABLE part_range (id INT, d DATE NOT NULL, v INT, PRIMARY KEY (id, d))
	PARTITION BY RANGE (YEAR(d)) SUBPARTITION BY HASH (id) SUBPARTITIONS 2 (
		PARTITION p2024 VALUES LESS THAN (2025) COMMENT = 'old; ''',
		PARTITION `p 2025` VALUES LESS THAN (2026),
		PARTITION rest VALUES LESS THAN MAXVALUE);
INSERT INTO part_range SELECT seq, '2023-01-01' + INTERVAL seq DAY, seq FROM seq_1_to_1500;
CREATE TABLE part_list (s VARCHAR(10) COLLATE utf8mb4_bin, n INT)
	PARTITION BY LIST COLUMNS (s) (PARTITION a VALUES IN ('x', 'it''s', NULL), PARTITION other DEFAULT);
INSERT INTO part_list VALUES ('x', 1), ('it''s', 2), (NULL, 3), ('ä', 4), ('zzz', 5);
CREATE TABLE part_hash (id INT PRIMARY KEY, v INT) PARTITION BY LINEAR HASH (id) PARTITIONS 5;
INSERT INTO part_hash SELECT seq, -seq FROM seq_1_to_1000;
CREATE TABLE part_key (a CHAR(5) CHARACTER SET latin1, b INT, PRIMARY KEY (a, b)) ENGINE=MyISAM PARTITION BY KEY (a) PARTITIONS 3;
INSERT INTO part_key SELECT CHAR(65 + seq % 26), seq FROM seq_1_to_100;

-- History ------------------------------------------------------------------------

SET timestamp = 1700000000.25;
CREATE TABLE versioned (id INT PRIMARY KEY, v VARCHAR(20), f FLOAT, plain INT WITHOUT SYSTEM VERSIONING) WITH SYSTEM VERSIONING;
CREATE TABLE versioned_explicit (
	id INT PRIMARY KEY, v INT, g INT AS (v + 1) VIRTUAL,
	`fr om` TIMESTAMP(6) GENERATED ALWAYS AS ROW START,
	till TIMESTAMP(6) GENERATED ALWAYS AS ROW END INVISIBLE,
	PERIOD FOR SYSTEM_TIME (`fr om`, till)
) WITH SYSTEM VERSIONING;
CREATE TABLE versioned_parts (id INT, v INT) WITH SYSTEM VERSIONING
	PARTITION BY SYSTEM_TIME (PARTITION p0 HISTORY, PARTITION p1 HISTORY, PARTITION pn CURRENT);
CREATE TABLE versioned_no_key (v VARCHAR(20)) WITH SYSTEM VERSIONING;
CREATE TABLE versioned_empty (v INT) WITH SYSTEM VERSIONING;
CREATE TABLE versioned_myisam (id INT PRIMARY KEY, v INT) ENGINE=MyISAM WITH SYSTEM VERSIONING;
INSERT INTO versioned SELECT seq, 'first', seq / 3, seq FROM seq_1_to_50;
INSERT INTO versioned_explicit (id, v) SELECT seq, seq FROM seq_1_to_20;
INSERT INTO versioned_parts SELECT seq, 0 FROM seq_1_to_20;
INSERT INTO versioned_no_key VALUES ('a'), ('a'), ('b');
INSERT INTO versioned_myisam VALUES (1, 1), (2, 2);
SET timestamp = 1700000100.5;
UPDATE versioned SET v = 'second' WHERE id % 2;
UPDATE versioned_explicit SET v = v * 10 WHERE id < 10;
UPDATE versioned_parts SET v = 1;
UPDATE versioned_myisam SET v = 10 WHERE id = 1;
SET timestamp = 1700000200.125;
DELETE FROM versioned WHERE id % 5 = 0;
UPDATE versioned SET v = 'it''s', f = 16777217 WHERE id = 1;
UPDATE versioned_explicit SET v = 0 WHERE id = 1;
DELETE FROM versioned_explicit WHERE id = 2;
DELETE FROM versioned_no_key WHERE v = 'a' LIMIT 1;
DELETE FROM versioned_myisam WHERE id = 2;
SET timestamp = DEFAULT;
CREATE TABLE bookings (
	room INT, `from` DATE, `to` DATE, who VARCHAR(20),
	PERIOD FOR stay (`from`, `to`), PRIMARY KEY (room, stay WITHOUT OVERLAPS)
);
INSERT INTO bookings VALUES (1, '2026-01-01', '2026-01-05', 'a'), (1, '2026-01-05', '2026-02-01', 'b'), (2, '2026-01-01', '9999-12-31', 'c');

-- Sequences ------------------------------------------------------------------------

CREATE SEQUENCE seq1 START WITH 100 INCREMENT BY 10 CACHE 5;
CREATE SEQUENCE seq_down START WITH -1 INCREMENT BY -3 MINVALUE -1000 MAXVALUE -1 CYCLE NOCACHE;
CREATE SEQUENCE seq_spent START WITH 1 MAXVALUE 2 NOCACHE;
CREATE SEQUENCE seq_fresh ENGINE=MyISAM COMMENT='it''s new';
CREATE SEQUENCE `we``ird.se/q`;
DO NEXTVAL(seq1), NEXTVAL(seq1), NEXTVAL(seq_down), NEXTVAL(seq_spent), NEXTVAL(seq_spent), NEXTVAL(`we``ird.se/q`);
DO SETVAL(seq_down, -1000, 1);
CREATE TABLE `a default` (id BIGINT DEFAULT NEXTVAL(seq1) PRIMARY KEY, o BIGINT DEFAULT (NEXTVAL(torture.`we``ird.se/q`)), v INT);
INSERT INTO `a default` (v) VALUES (1), (2), (3);

-- Foreign keys -----------------------------------------------------------------------

CREATE TABLE fk_a (id INT PRIMARY KEY, b INT, KEY (b));
CREATE TABLE fk_b (id INT PRIMARY KEY, a INT, CONSTRAINT `b's a` FOREIGN KEY (a) REFERENCES fk_a (id) ON DELETE CASCADE ON UPDATE SET NULL);
INSERT INTO fk_a VALUES (1, 2), (2, 1), (3, 9);
INSERT INTO fk_b VALUES (1, 2), (2, 1), (9, 3);
ALTER TABLE fk_a ADD CONSTRAINT a_b FOREIGN KEY (b) REFERENCES fk_b (id);
CREATE TABLE fk_self (id INT PRIMARY KEY, up INT, FOREIGN KEY (up) REFERENCES fk_self (id));
SET foreign_key_checks = 0;
INSERT INTO fk_self VALUES (1, 3), (2, 1), (3, 2), (4, NULL), (5, 5);
SET foreign_key_checks = 1;
CREATE TABLE torture_latin.fk_far (id INT, FOREIGN KEY (id) REFERENCES torture.fk_self (id));
INSERT INTO torture_latin.fk_far VALUES (1), (5);

-- Names --------------------------------------------------------------------------------

CREATE TABLE `select` (`from` INT, `key` INT PRIMARY KEY, `a b` INT, `a``b` INT, `a'b"` INT, `a\b` INT, `ä` INT, `日本` INT, `a;b--` INT, `%s` INT, `a
b` INT);
INSERT INTO `select` VALUES (1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11);
CREATE TABLE `schema` (a INT PRIMARY KEY); INSERT INTO `schema` VALUES (1);
CREATE TABLE `post` (a INT PRIMARY KEY); INSERT INTO `post` VALUES (2);
CREATE TABLE `post.sql` (a INT PRIMARY KEY); INSERT INTO `post.sql` VALUES (3);
CREATE TABLE `new
line` (a INT PRIMARY KEY); INSERT INTO `new
line` VALUES (4);
CREATE TABLE `täble_名前` (a INT PRIMARY KEY); INSERT INTO `täble_名前` VALUES (5);
CREATE TABLE `名名名名名名名名名名名名名名名名名名名名名名名名名名名名名名名名名名名名名名名名名名名名名` (a INT PRIMARY KEY);
INSERT INTO `名名名名名名名名名名名名名名名名名名名名名名名名名名名名名名名名名名名名名名名名名名名名名` VALUES (6);
CREATE TABLE `.` (a INT PRIMARY KEY); INSERT INTO `.` VALUES (7);
CREATE TABLE `..` (a INT PRIMARY KEY); INSERT INTO `..` VALUES (8);
CREATE TABLE `%2f` (a INT PRIMARY KEY); INSERT INTO `%2f` VALUES (9);
CREATE TABLE `/` (a INT PRIMARY KEY); INSERT INTO `/` VALUES (10);
CREATE TABLE `-rf *` (a INT PRIMARY KEY); INSERT INTO `-rf *` VALUES (11);
CREATE TABLE `;drop table x; --` (a INT PRIMARY KEY); INSERT INTO `;drop table x; --` VALUES (12);
CREATE TABLE `*/` (a INT PRIMARY KEY); INSERT INTO `*/` VALUES (13);
CREATE TABLE `'"\\` (a INT PRIMARY KEY); INSERT INTO `'"\\` VALUES (14);
CREATE TABLE `Case` (a INT PRIMARY KEY); INSERT INTO `Case` VALUES (15);
CREATE TABLE `case` (a INT PRIMARY KEY); INSERT INTO `case` VALUES (16);
CREATE TABLE `tab	 and [31m` (a INT PRIMARY KEY); INSERT INTO `tab	 and [31m` VALUES (17);
CREATE TABLE `we``ird.na/me`.`we``ird.na/me` (`quo``ted` INT PRIMARY KEY, `na.me` INT);
INSERT INTO `we``ird.na/me`.`we``ird.na/me` VALUES (1, 2), (3, 4);
CREATE TABLE `manifest.json`.`manifest.json` (a INT); INSERT INTO `manifest.json`.`manifest.json` VALUES (18);
CREATE TABLE `new
line`.`new
line` (a INT); INSERT INTO `new
line`.`new
line` VALUES (19);
CREATE TABLE `Umläut 数据`.`Ärger` (`Öl` INT PRIMARY KEY, `数` VARCHAR(9)); INSERT INTO `Umläut 数据`.`Ärger` VALUES (1, '据');
CREATE TABLE torture_latin.words (w VARCHAR(30) PRIMARY KEY, e ENUM('ä', 'ö') DEFAULT 'ö');
INSERT INTO torture_latin.words VALUES ('Müller', 'ä'), ('Mull', 'ö'), ('Straße', NULL);

-- Routines ---------------------------------------------------------------------------------

DELIMITER $$
CREATE FUNCTION `f n`(a INT, `b ``c` VARCHAR(10) CHARACTER SET latin1) RETURNS VARCHAR(50) CHARSET utf8mb4
	DETERMINISTIC NO SQL SQL SECURITY INVOKER COMMENT 'it''s; */ "x"'
BEGIN
	-- a comment; with "quotes' and ;;
	/* DELIMITER ;; */
	DECLARE x VARCHAR(50) DEFAULT 'it''s \\ \n ;; // ä 😀';
	RETURN CONCAT(x, a, `b ``c`, '
	over lines');
END$$
CREATE DEFINER=app@localhost PROCEDURE p1(IN a INT, OUT b INT, INOUT c DECIMAL(10,2))
	MODIFIES SQL DATA
BEGIN
	DECLARE CONTINUE HANDLER FOR 1062 SET b = -1;
	label: LOOP
		SET b = a; LEAVE label;
	END LOOP;
	INSERT INTO log_lines (what) VALUES ('p1;;');
	SELECT ';;', '//', '$';
END$$
CREATE AGGREGATE FUNCTION agg(x INT) RETURNS INT DETERMINISTIC
BEGIN
	DECLARE s INT DEFAULT 0;
	DECLARE CONTINUE HANDLER FOR NOT FOUND RETURN s;
	LOOP FETCH GROUP NEXT ROW; SET s = s + x; END LOOP;
END$$
CREATE PROCEDURE `we``ird.p/p`() SELECT 1$$
CREATE PROCEDURE `;;`() SELECT 2$$
CREATE FUNCTION f_view() RETURNS INT READS SQL DATA RETURN (SELECT COUNT(*) FROM v_base)$$
CREATE FUNCTION f_plain(a INT) RETURNS INT DETERMINISTIC RETURN a + 1$$

SET sql_mode = 'ANSI_QUOTES,PIPES_AS_CONCAT,NO_BACKSLASH_ESCAPES'$$
CREATE FUNCTION "ansi f"("a" INT) RETURNS VARCHAR(30) DETERMINISTIC
	RETURN 'back\' || "a" || 'quote''s'$$
CREATE PROCEDURE "ansi p"() BEGIN SELECT "a" FROM "schema" WHERE "a" || '\' = '1\'; END$$
SET sql_mode = 'ORACLE'$$
CREATE FUNCTION ora_f(a VARCHAR2, b NUMBER) RETURN VARCHAR2 DETERMINISTIC AS
	c VARCHAR2(20) := 'it''s';
BEGIN
	IF b > 0 THEN RETURN a || c; END IF;
	RETURN NULL;
END$$
CREATE PROCEDURE ora_p(a IN NUMBER, b OUT NUMBER) AS
BEGIN
	FOR i IN 1..3 LOOP b := i; END LOOP;
EXCEPTION
	WHEN OTHERS THEN b := 0;
END$$
CREATE PACKAGE ora_pack AS
	FUNCTION get(a NUMBER) RETURN NUMBER;
	PROCEDURE put(a NUMBER);
END$$
CREATE PACKAGE BODY ora_pack AS
	held NUMBER := 7;
	FUNCTION get(a NUMBER) RETURN NUMBER AS BEGIN RETURN held + a; END;
	PROCEDURE put(a NUMBER) AS BEGIN held := a; END;
BEGIN
	held := 8;
END$$
CREATE PACKAGE spec_only COMMENT 'no body' AS
	FUNCTION get(a NUMBER) RETURN NUMBER;
END$$
CREATE PACKAGE "we`ird.pa/ck" AS PROCEDURE p; END$$
CREATE PACKAGE BODY "we`ird.pa/ck" AS PROCEDURE p AS BEGIN NULL; END; END$$
SET sql_mode = 'NO_ENGINE_SUBSTITUTION'$$

-- made by a client of another character set
SET NAMES latin1$$
CREATE FUNCTION f_latin() RETURNS VARCHAR(20) CHARSET latin1 DETERMINISTIC RETURN _latin1 x'e4'$$
SET NAMES utf8mb4 COLLATE utf8mb4_bin$$
CREATE FUNCTION torture_latin.f_other() RETURNS VARCHAR(20) DETERMINISTIC RETURN 'ä日'$$
SET NAMES utf8mb4$$
-- lines that end as on Windows
EXECUTE IMMEDIATE 'CREATE PROCEDURE crlf()\r\nBEGIN\r\n\tSELECT ''a\r\nb'';\r\nEND'$$

-- Triggers -----------------------------------------------------------------------------------

CREATE TABLE log_lines (id INT AUTO_INCREMENT PRIMARY KEY, what VARCHAR(100))$$
CREATE TABLE watched (id INT PRIMARY KEY, v INT)$$
CREATE TRIGGER third AFTER INSERT ON watched FOR EACH ROW INSERT INTO log_lines (what) VALUES ('third')$$
CREATE TRIGGER first AFTER INSERT ON watched FOR EACH ROW PRECEDES third INSERT INTO log_lines (what) VALUES ('first')$$
CREATE TRIGGER second AFTER INSERT ON watched FOR EACH ROW FOLLOWS first
BEGIN
	INSERT INTO log_lines (what) VALUES (CONCAT('second;; ', NEW.v));
END$$
CREATE DEFINER=app@localhost TRIGGER `we``ird.t/r` BEFORE INSERT ON watched FOR EACH ROW SET NEW.v = COALESCE(NEW.v, 0)$$
CREATE TRIGGER upd BEFORE UPDATE ON watched FOR EACH ROW SET NEW.v = NEW.v + 1$$
CREATE TRIGGER upd2 AFTER UPDATE ON watched FOR EACH ROW INSERT INTO log_lines (what) VALUES ('upd')$$
CREATE TRIGGER del BEFORE DELETE ON watched FOR EACH ROW INSERT INTO log_lines (what) VALUES ('del')$$
CREATE TRIGGER del2 AFTER DELETE ON watched FOR EACH ROW INSERT INTO log_lines (what) VALUES ('del2')$$
SET sql_mode = 'ANSI'$$
CREATE TRIGGER "ansi t" AFTER INSERT ON "schema" FOR EACH ROW INSERT INTO "log_lines" ("what") VALUES ('a' || NEW."a")$$
SET sql_mode = 'ORACLE'$$
CREATE TRIGGER ora_t BEFORE INSERT ON "post" FOR EACH ROW
DECLARE
	x NUMBER := 1;
BEGIN
	IF :NEW.a IS NULL THEN :NEW.a := x; END IF;
END$$
SET sql_mode = 'NO_ENGINE_SUBSTITUTION'$$
CREATE TRIGGER `on versioned` AFTER UPDATE ON versioned FOR EACH ROW INSERT INTO log_lines (what) VALUES ('v')$$
INSERT INTO watched VALUES (1, NULL), (2, 5)$$
UPDATE watched SET v = 9 WHERE id = 2$$
DELETE FROM watched WHERE id = 1$$

-- Events ----------------------------------------------------------------------------------------

CREATE EVENT e_every ON SCHEDULE EVERY '1:30' HOUR_MINUTE STARTS '2030-01-01 00:00:00' ENDS '2037-01-01 00:00:00'
	ON COMPLETION PRESERVE COMMENT 'it''s; ''' DO
BEGIN
	DELETE FROM log_lines WHERE id < 0;
	SELECT '; ä';
END$$
CREATE EVENT e_once ON SCHEDULE AT '2036-02-03 04:05:06' DISABLE DO SET @a = 'ä'$$
SET time_zone = '+05:30'$$
CREATE DEFINER=app@localhost EVENT `we``ird.e/v` ON SCHEDULE EVERY 3 DAY STARTS '2031-01-01 12:00:00' DISABLE ON SLAVE DO SET @a = 1$$
SET time_zone = 'SYSTEM', sql_mode = 'ANSI_QUOTES'$$
CREATE EVENT "ansi e" ON SCHEDULE EVERY 1 QUARTER STARTS '2032-01-01 00:00:00' DO DELETE FROM "log_lines" WHERE "id" < 0$$
SET time_zone = '+00:00', sql_mode = 'NO_ENGINE_SUBSTITUTION'$$
DELIMITER ;

-- Views: their names sort against their order ------------------------------------------------------

CREATE VIEW v_base AS SELECT id, v FROM watched;
CREATE VIEW b_view AS SELECT id, v, f_plain(v) AS `plus one` FROM v_base WHERE v <> 'it''s';
CREATE ALGORITHM=TEMPTABLE DEFINER=app@localhost SQL SECURITY INVOKER VIEW a_view AS SELECT b.id, b.`plus one`, w.v FROM b_view b JOIN watched w USING (id);
CREATE VIEW a_count AS SELECT f_view() AS n;
CREATE ALGORITHM=MERGE VIEW v_check AS SELECT * FROM ints WHERE t > 0 WITH CASCADED CHECK OPTION;
CREATE VIEW v_local AS SELECT * FROM v_check WHERE t < 100 WITH LOCAL CHECK OPTION;
CREATE VIEW `we``ird.v/w` (`co``l`, `x'y`, `日`) AS SELECT 1, '\\', _utf8mb4'😀';
CREATE VIEW v_recursive AS WITH RECURSIVE r AS (SELECT 1 n UNION ALL SELECT n + 1 FROM r WHERE n < 5) SELECT * FROM r;
CREATE VIEW v_far AS SELECT w FROM torture_latin.words;
CREATE VIEW torture_latin.a_far AS SELECT v_far.w, s.id FROM torture.v_far JOIN torture.fk_self s;
CREATE VIEW torture_empty.first_of_all AS SELECT * FROM torture_latin.a_far;
CREATE VIEW v_history AS SELECT id, v FROM versioned FOR SYSTEM_TIME ALL;
CREATE VIEW v_sequence AS SELECT next_not_cached_value FROM seq1;
CREATE VIEW v_literal AS SELECT 'a' COLLATE utf8mb4_bin AS c, x'00ff' AS b, 1e0 AS d, DATE'2026-01-01' AS da, CONVERT('ä' USING latin1) AS l;
CREATE VIEW v_pack AS SELECT torture.`f n`(1, 'x') AS s;
SET sql_mode = 'ANSI,NO_BACKSLASH_ESCAPES';
CREATE VIEW "ansi v" AS SELECT "a" || '\' AS "x" FROM "schema";
SET sql_mode = 'NO_ENGINE_SUBSTITUTION';

-- Grants on what is there now

GRANT SELECT (`quo``ted`), UPDATE (`quo``ted`) ON `we``ird.na/me`.`we``ird.na/me`
	TO app@localhost;
GRANT EXECUTE ON FUNCTION torture.`f n` TO app@localhost;
SET sql_mode = 'ORACLE';
GRANT EXECUTE ON PACKAGE torture.ora_pack TO reader;
GRANT EXECUTE ON PACKAGE BODY torture.ora_pack TO reader;
