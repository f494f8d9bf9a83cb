/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "manifest.h"

static const char what[] =
	"Copies of files of other machines, put here by bk-cold of the bk suite.\n"
	"What is here is never changed, so that it can be checked and brought back\n"
	"without bk, with ssh, sha256sum and cp.\n"
	"\n"
	"    HOST/DATA/...        the files, by their paths. Each byte of a name that\n"
	"                         is not one of A-Z a-z 0-9 . _ + = @ , - is written\n"
	"                         as %%XX, and so are '-' and '.' at its start. What\n"
	"                         would get too long is named %%~HASH; grep for it in\n"
	"                         HOST/FILES.* to see its path.\n"
	"                         A later content of the same path has a ~ and 16\n"
	"                         digits behind its name.\n"
	"    HOST/SHA256SUMS.N    what came with push N: sums for sha256sum(1)\n"
	"    HOST/MTREE.N         paths, owners, modes, times, links: mtree(5)\n"
	"    HOST/FILES.N         all that is known of them, as JSON, one file a line:\n"
	"                         the above, access control lists, attributes\n"
	"\n"
	"Of a path that is in several pushes the one with the highest N is the newest.\n"
	"The last line of SHA256SUMS.N and MTREE.N is '# end', the number of lines that\n"
	"tell of files, and the SHA-256 of all lines before it:\n"
	"    head -n -1 SHA256SUMS.N | sha256sum\n"
	"\n";

static const char check[] =
	"To check, where you are after logging in on this box:\n"
	"    sha256sum --quiet -c %sHOST/SHA256SUMS.*\n"
	"Where its shell has no 'sha256sum -c', compare what it prints for the files\n"
	"    ssh BOX sha256sum %sHOST/DATA/some/file\n"
	"with what SHA256SUMS.N has, or get everything (scp -r) and check it there.\n"
	"\n"
	"To bring back files whose names are plain:\n"
	"    cp -a %sHOST/DATA/srv/photos .            or, from elsewhere:\n"
	"    scp -r BOX:%sHOST/DATA/srv/photos .\n"
	"\n"
	"To bring back everything, newest contents, under the names that it had, save\n"
	"the lines between the dashes as a file, and run it with bash in the folder\n"
	"from which the names in SHA256SUMS.N count:\n"
	"    bash restore.sh HOST /new/empty/folder\n"
	"---8<---\n";

static const char script[] =
	"host=$1 to=$2 bad=\n"
	"for sums in \"$prefix$host\"/SHA256SUMS.*; do\n"
	"    sha256sum --quiet -c -- \"$sums\" || bad=1\n"
	"    while IFS= read -r line; do\n"
	"        name=${line#*  }\n"
	"        path=${name#\"$prefix$host/DATA\"}\n"
	"        [ \"$path\" != \"$name\" ] || continue\n"
	"        case $path in\n"
	"        *%~*) echo \"look in $host/FILES.* for the path of $name\"\n"
	"            bad=1\n"
	"            continue ;;\n"
	"        esac\n"
	"        path=${path%\\~????????????????}\n"
	"        printf -v path %b \"${path//%/\\\\x}\"\n"
	"        mkdir -p -- \"$to${path%/*}\" &&\n"
	"        cp -T --preserve=timestamps --sparse=always -- \"$name\" \\\n"
	"            \"$to$path\" ||\n"
	"            bad=1\n"
	"    done <\"$sums\"\n"
	"done\n"
	"[ -z \"$bad\" ] || { echo 'not all of it is good, see above' >&2; exit 1; }\n"
	"---8<---\n";

static const char rest[] =
	"\n"
	"Owners, modes, times and symbolic links: for each MTREE.N, in order,\n"
	"    mtree -p /new/empty/folder -t -u -f MTREE.N       (NetBSD's mtree)\n";

void manifest_readme(struct bk_buf *ret, const struct box *b)
{
	const char *prefix = box_prefix(b);

	bk_buf_addf(ret, what);
	bk_buf_addf(ret, check, prefix, prefix, prefix, prefix);
	bk_buf_adds(ret, "prefix=");
	bk_str_add_shell(ret, prefix);
	bk_buf_addc(ret, '\n');
	bk_buf_adds(ret, script);
	bk_buf_adds(ret, rest);
}
