/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "manifest.h"

static const char what[] =
	"Some of what is here is encrypted with age (https://age-encryption.org), the\n"
	"names of files too. Without bk it is checked with sha256sum, and brought back\n"
	"with age and one of the keys (identities) that it is encrypted for. Those keys\n"
	"are not here.\n"
	"\n"
	"    HOST/AGE/...         the files, each for itself, under names made at random\n"
	"    HOST/SHA256SUMS.N    sums of what lies here, encrypted as it is\n"
	"    HOST/NAMES.N.age     of each file that came with push N its own SHA-256, its\n"
	"                         name here, and its path. In that each byte that is not\n"
	"                         one of A-Z a-z 0-9 . _ + = @ , - is written as %%XX, and\n"
	"                         so are '-' and '.' at the start of a name\n"
	"    HOST/MTREE.N.age     paths, owners, modes, times, links: mtree(5)\n"
	"    HOST/FILES.N.age     all that is known of them, as JSON, one file a line\n"
	"\n"
	"What is not encrypted is told by README.txt. Of a path that is in several\n"
	"pushes the one with the highest N is the newest.\n"
	"\n"
	"To check, where you are after logging in on this box; no key is needed:\n"
	"    sha256sum --quiet -c %sHOST/SHA256SUMS.*\n"
	"\n"
	"To bring back everything, where you have the key and got HOST (scp -r), save\n"
	"the lines between the dashes as a file, and run it with bash in the folder\n"
	"from which the names in SHA256SUMS.N count:\n"
	"    bash restore.sh HOST /new/empty/folder KEYFILE\n"
	"---8<---\n";

static const char script[] =
	"host=$1 to=$2 key=$3 bad= end=\n"
	"for sums in \"$prefix$host\"/SHA256SUMS.*; do\n"
	"    sha256sum --quiet -c -- \"$sums\" || bad=1\n"
	"done\n"
	"for names in \"$prefix$host\"/NAMES.*.age; do\n"
	"    end=\n"
	"    while read -r sum object name; do\n"
	"        [ \"$sum\" != '#' ] || { end=1; continue; }\n"
	"        printf -v path %b. \"${name//%/\\\\x}\"\n"
	"        path=$to${path%.}\n"
	"        mkdir -p -- \"${path%/*}\" &&\n"
	"        age -d -i \"$key\" \"$prefix$object\" >\"$path\" &&\n"
	"        [ \"$(sha256sum <\"$path\")\" = \"$sum  -\" ] ||\n"
	"            { echo \"$prefix$object is not good: $name\" >&2; bad=1; }\n"
	"    done < <(age -d -i \"$key\" \"$names\")\n"
	"    [ -n \"$end\" ] || { echo \"$names is not whole\" >&2; bad=1; }\n"
	"done\n"
	"[ -z \"$bad\" ] || { echo 'not all of it is good, see above' >&2; exit 1; }\n"
	"---8<---\n";

static const char rest[] =
	"\n"
	"Owners, modes, times and symbolic links: for each MTREE.N.age, in order,\n"
	"    age -d -i KEYFILE MTREE.N.age >MTREE.N\n"
	"    mtree -p /new/empty/folder -t -u -f MTREE.N       (NetBSD's mtree)\n";

void manifest_readme_age(struct bk_buf *ret, const struct box *b)
{
	const char *prefix = box_prefix(b);

	bk_buf_addf(ret, what, prefix);
	bk_buf_adds(ret, "prefix=");
	bk_str_add_shell(ret, prefix);
	bk_buf_addc(ret, '\n');
	bk_buf_adds(ret, script);
	bk_buf_adds(ret, rest);
}
