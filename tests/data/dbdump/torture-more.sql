-- SPDX-License-Identifier: GPL-3.0-or-later
--
-- After torture.sql: what mariadb-dump cannot dump at all.

SET NAMES utf8mb4, time_zone = '+00:00', sql_mode = 'NO_ENGINE_SUBSTITUTION';
USE torture;

-- mariadb-dump never ends on a ";;" in an event
DELIMITER $$
CREATE EVENT e_delimiter ON SCHEDULE EVERY 1 YEAR STARTS '2033-01-01 00:00:00' DO
BEGIN
	SELECT ';;', '//', '$$', 'DELIMITER ;;';
END$$
DELIMITER ;

-- '' that is a member, and '' that is none
SET sql_mode = '';
CREATE TABLE enum_error (id INT PRIMARY KEY, e ENUM('', 'a') CHARACTER SET latin1, f ENUM('x', ''), g ENUM('x', 'y') NOT NULL);
INSERT INTO enum_error VALUES (1, '', '', 'x'), (2, 'none', 'none', 'none'), (3, NULL, 'x', 'y');

-- text that utf8mb4 has no way to say, in keys as well
CREATE TABLE sjis_key (k VARCHAR(20) CHARACTER SET sjis PRIMARY KEY, t TEXT CHARACTER SET cp1251) CHARACTER SET sjis COMMENT '日本';
INSERT INTO sjis_key VALUES (_sjis x'5c', _cp1251 x'98'), (_sjis x'815f', _cp1251 x'a098'), (_sjis x'835c', '');

-- lines that end as on Windows, and other bytes that clients change
EXECUTE IMMEDIATE 'CREATE TRIGGER crlf BEFORE INSERT ON `Case` FOR EACH ROW\r\nBEGIN\r\n\tSET @a = ''a\r\nb\tc'';\r\nEND';
EXECUTE IMMEDIATE 'CREATE EVENT crlf ON SCHEDULE EVERY 1 YEAR STARTS ''2034-01-01 00:00:00'' DO\r\nBEGIN\r\n\tSET @a = ''\r\n'';\r\nEND';
EXECUTE IMMEDIATE 'CREATE TABLE crlf (a INT PRIMARY KEY DEFAULT 7 COMMENT ''c\r\nd'', b TEXT DEFAULT ''\r\n'') COMMENT ''e\r\nf''';
EXECUTE IMMEDIATE 'CREATE VIEW v_crlf AS SELECT ''a\r\nb'' AS x';
INSERT INTO crlf VALUES (1, 'a\r\nb\rc\n'), (2, '\r');

-- names that a client changes unless it is called with --binary-mode
CREATE DATABASE torture_cr;
USE torture_cr;
EXECUTE IMMEDIATE 'CREATE TABLE `cr\r\nlf` (`a\r\nb` INT PRIMARY KEY)';
EXECUTE IMMEDIATE 'INSERT INTO `cr\r\nlf` VALUES (1)';
EXECUTE IMMEDIATE 'CREATE VIEW v_crlf AS SELECT 1 AS `c\r\nd`';

-- of newer servers
USE torture;
SET sql_mode = 'NO_ENGINE_SUBSTITUTION';
DELIMITER $$
/*M!110400 CREATE PACKAGE plain_pack
	FUNCTION get() RETURNS INT;
	PROCEDURE put(a INT);
END */ $$
/*M!110400 CREATE PACKAGE BODY plain_pack
	DECLARE held INT DEFAULT 3;
	FUNCTION get() RETURNS INT BEGIN RETURN held; END;
	PROCEDURE put(a INT) BEGIN SET held = a; END;
	SET held = 5;
END */ $$
DELIMITER ;
/*M!110500 CREATE SEQUENCE seq_tiny AS TINYINT UNSIGNED START WITH 7 */;
/*M!110500 CREATE TABLE late (id INT PRIMARY KEY, ts TIMESTAMP(6) NULL) */;
/*M!110500 INSERT INTO late VALUES (1, '2106-02-07 06:28:15.999999'), (2, '2038-01-19 03:14:08') */;
/*M!110700 CREATE TABLE vectors (id INT PRIMARY KEY, v VECTOR(3) NOT NULL, VECTOR INDEX (v) DISTANCE=cosine) */;
/*M!110700 INSERT INTO vectors SELECT seq, VEC_FromText(CONCAT('[', seq / 7, ',', -seq, ',1e-30]')) FROM seq_1_to_200 */;
