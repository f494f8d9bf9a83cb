/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * New secrets, and the keyring that takes them.
 */
#ifndef MAKE_H
#define MAKE_H

#include "tool.h"

/*
 * A password to be typed by people: 7 groups of 4 characters (0-9 A-Z
 * without I L O U, 140 bits) and one check character each, joined by '-'.
 * The dashes and the check characters are part of the password.
 */
int make_password(struct bk_secret *ret, struct bk_err *err);

enum { MAKE_GROUPS = 7, MAKE_LEN = MAKE_GROUPS * 6 - 1 };

/*
 * Such a password as somebody typed it, brought into the form in which it was
 * made: lower case, blanks, O for 0, I and L for 1, missing dashes. Returns
 * 0; the number (from 1) of the group whose check character does not fit; -1
 * where it has not so many characters.
 */
int make_normal(struct bk_secret *s);

/*
 * The keyring, locked and without its master; or a new one in memory where
 * there is no file, whose folder is made.
 */
int open_for_change(struct tool *t, struct keyring *k, struct bk_err *err);
/*
 * Its master from [keyring] unlock. For a new one, a master that is typed is
 * asked for twice.
 */
int change_master(struct tool *t, struct keyring *k, struct bk_err *err);
/*
 * Is it long enough for a new keyring? Where it was typed: 12 characters, or
 * 65; else a warning.
 */
int check_new_master(const struct bk_secret *master, bool typed,
		     struct bk_err *err);

#endif
