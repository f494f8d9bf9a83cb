-- SPDX-License-Identifier: GPL-3.0-or-later
--
-- Writes the statements that show the users and roles of a server, functions of
-- libraries and foreign servers; see portrait() in tests/bats/mariadb.bash.

SELECT CONCAT('SHOW CREATE USER ', QUOTE(user), '@', QUOTE(host), ';') FROM mysql.user WHERE is_role = 'N' ORDER BY 1;
SELECT CONCAT('SHOW GRANTS FOR ', QUOTE(user), IF(is_role = 'Y', '', CONCAT('@', QUOTE(host))), ';') FROM mysql.user
	WHERE user <> 'PUBLIC' ORDER BY 1;
SELECT 'SELECT * FROM mysql.roles_mapping ORDER BY 1, 2, 3;';
SELECT 'SELECT * FROM mysql.func ORDER BY 1;';
SELECT 'SELECT * FROM mysql.servers ORDER BY 1;';
