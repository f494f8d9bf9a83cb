/* SPDX-License-Identifier: GPL-3.0-or-later */
/* with: bin/bk-config/rclone.c */
#include "rclone.h"

#include "check.h"

#define STATUS(bytes) \
	rclone_status((const unsigned char *)(bytes), sizeof(bytes) - 1)

/* As servers of several kinds say it: RFC 7541, sections 6 and C.5. */
CHECK_TEST(statuses)
{
	CHECK_INT(STATUS("\x20\x88\x0f"), 200);
	CHECK_INT(STATUS("\x8d"), 404);
	CHECK_INT(STATUS("\x8e"), 500);
	CHECK_INT(STATUS("\x20\x0e\x03"
			 "403\x0f\x03"),
		  403);
	CHECK_INT(STATUS("\x48\x03"
			 "302"),
		  302);
	/* in the code of Huffman: 302, 307, 403 */
	CHECK_INT(STATUS("\x48\x82\x64\x02"), 302);
	CHECK_INT(STATUS("\x08\x83\x64\x0e\xff"), 307);
	CHECK_INT(STATUS("\x18\x83\x68\x0c\xff"), 403);
	CHECK_INT(STATUS("\x3f\xe1\x1f\x88"), 0);
}

CHECK_TEST(no_status)
{
	CHECK_INT(STATUS(""), 0);
	CHECK_INT(STATUS("\x20"), 0);
	CHECK_INT(STATUS("\x0e"), 0);
	CHECK_INT(STATUS("\x0e\x03"
			 "40"),
		  0);
	CHECK_INT(STATUS("\x0e\x03"
			 "4x3"),
		  0);
	CHECK_INT(STATUS("\x0e\x81\xff"), 0);
	CHECK_INT(STATUS("\x0e\xff\xff"), 0);
	/* another header first */
	CHECK_INT(STATUS("\x0f\x03\x01"
			 "a"),
		  0);
	CHECK_INT(STATUS("\x42\x03"
			 "403"),
		  0);
}
