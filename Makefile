# SPDX-License-Identifier: GPL-3.0-or-later
#
# bk: small tools that back up Linux hosts with restic.
#
#   make            build into build/            make check        deps, build, every test
#   make install    DESTDIR= PREFIX= and so on   make check-quick  the short tests only
#   make lint       every lint                   make fuzz         FUZZ_SECONDS=30 each
#   make demo       see it work                  make deb rpm      packages
#   make check-release     the proofs of safety of bk-cold release at length
#   make repo       a repository for apt or dnf  make check-packages  try all that
#
# Variables: B=build (where things are built), SAN=1 (ASan and UBSan),
# WERROR=1, V=1 (show commands), WITHOUT=bk-secret-service (no libsecret here),
# WITHOUT=bk-dbdump (no libmariadb here), or both;
# CC, CFLAGS, CPPFLAGS, LDFLAGS are appended to our own.
# A directory bin/bk-x is a tool; every C file in lib, tests/unit and
# tests/fuzz is found by itself. A test that needs sources of a tool says so
# in one line: /* with: bin/bk-x/a.c bin/bk-x/b.c */

VERSION = 0.1.0

B ?= build
PREFIX ?= /usr
BINDIR ?= $(PREFIX)/bin
LIBEXECDIR ?= $(PREFIX)/libexec/bk
SYSCONFDIR ?= /etc
MANDIR ?= $(PREFIX)/share/man
DOCDIR ?= $(PREFIX)/share/doc/bk
# Recursive on purpose: pkg-config may come with `make deps`.
UNITDIR ?= $(or $(shell pkg-config --variable=systemdsystemunitdir systemd \
	2>/dev/null),$(PREFIX)/lib/systemd/system)
BASHDIR ?= $(PREFIX)/share/bash-completion/completions
ZSHDIR ?= $(PREFIX)/share/zsh/$(if $(wildcard \
	/etc/debian_version),vendor-completions,site-functions)
FISHDIR ?= $(PREFIX)/share/fish/vendor_completions.d
FUZZ_SECONDS ?= 30
INSTALL ?= install
CLANG ?= clang
JOBS ?= $(shell nproc 2>/dev/null || echo 2)

# OpenSSL has Argon2 from 3.2 on.
ARGON2 = $(shell pkg-config --atleast-version=3.2 libcrypto || echo -largon2)
LIBS_all = -linih -ljansson -lpthread -lcurl -lcrypto -lsqlite3 -lm $(ARGON2)
LIBS_bk-cold = -linih -ljansson -lcrypto -lsqlite3
LIBS_bk-config = -linih -ljansson
LIBS_bk-scan = -linih -ljansson -lpthread
LIBS_bk-restic = -linih -ljansson -lcrypto
LIBS_bk-notify = -linih -ljansson -lcurl -lpthread
LIBS_bk-secret = -linih -ljansson -lcrypto $(ARGON2)
LIBS_bk-verify = -linih -ljansson -lcrypto
LIBS_bk-status = -linih -ljansson
LIBS_bk-dbdump = $(shell pkg-config --libs libmariadb) -linih -ljansson \
	-lcrypto -lpthread -lm
CPPFLAGS_bk-dbdump = $(patsubst -I%,-isystem %,$(shell pkg-config \
	--cflags libmariadb))
LIBS_bk-secret-service = $(shell pkg-config --libs libsecret-1) -linih -ljansson
CPPFLAGS_bk-secret-service = $(patsubst -I%,-isystem %,$(shell pkg-config \
	--cflags libsecret-1))

# ---- parts -----------------------------------------------------------------

LIB_SRC := $(sort $(wildcard lib/*.c))
ALL_TOOLS := $(sort $(notdir $(patsubst %/,%,$(dir $(wildcard bin/bk-*/*.c)))))
TOOLS := $(filter-out $(WITHOUT),$(ALL_TOOLS))
# Those that only other tools run.
HELPERS := $(filter bk-secret-service,$(TOOLS))
TOOL_SRC := $(sort $(wildcard $(TOOLS:%=bin/%/*.c)))
UNIT_SRC := $(sort $(wildcard tests/unit/*.c))
FUZZ_SRC := $(filter-out tests/fuzz/replay.c,$(sort $(wildcard tests/fuzz/*.c)))
SYSTEMD := $(sort $(wildcard lib/systemd/*.in lib/systemd/*.service \
	lib/systemd/*.timer))
MAN := $(sort $(wildcard man/*.[1-9]))

obj = $(patsubst %.c,$(B)/obj/%.o,$(1))
with = $(shell sed -n 's@^/\* with: *\(.*[^ ]\) *\*/.*@\1@p' $(1))

LIBBK := $(B)/libbk.a
TOOL_BIN := $(TOOLS:%=$(B)/%)
HELPER_BIN := $(HELPERS:%=$(B)/%)
UNIT_BIN := $(UNIT_SRC:tests/unit/%.c=$(B)/unit/%)
FUZZ_BIN := $(FUZZ_SRC:tests/fuzz/%.c=$(B)/fuzz/%)
FUZZ_RUN := $(FUZZ_SRC:tests/fuzz/%.c=fuzz-%)
UNITS := $(patsubst %.in,%,$(notdir $(SYSTEMD)))

# ---- flags -----------------------------------------------------------------

WARN = -Wall -Wextra -Wformat=2 -Wshadow -Wstrict-prototypes \
	-Wmissing-prototypes -Wcast-qual -Wwrite-strings -Wundef -Wvla \
	-Wnull-dereference $(if $(WERROR),-Werror)
X86 := $(filter x86_64 i%86,$(shell uname -m))
HARDEN = -fstack-protector-strong -fstack-clash-protection \
	$(if $(X86),-fcf-protection)
FORTIFY = $(if $(findstring FORTIFY_SOURCE,$(CPPFLAGS) $(CFLAGS))$(filter \
	-O0,$(CFLAGS)),,-U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2)
DEFS = -D_GNU_SOURCE -D_FILE_OFFSET_BITS=64 -DBK_VERSION=\"$(VERSION)\" \
	-DBK_SYSCONFDIR=\"$(SYSCONFDIR)/bk\" -DBK_STATEDIR=\"/var/lib/bk\" \
	-DBK_CACHEDIR=\"/var/cache/bk\" -DBK_RUNDIR=\"/run/bk\" \
	-DBK_LIBEXECDIR=\"$(LIBEXECDIR)\" -iquote lib
ifdef SAN
SANFLAGS = -fsanitize=address,undefined -fno-sanitize-recover=undefined
BK_CPPFLAGS = $(DEFS)
BK_CFLAGS = -std=gnu17 -O1 -g -fno-omit-frame-pointer $(WARN) $(SANFLAGS)
BK_LDFLAGS = $(SANFLAGS) -Wl,--as-needed
else
BK_CPPFLAGS = $(DEFS) $(FORTIFY)
BK_CFLAGS = -std=gnu17 -O2 -g $(WARN) $(HARDEN) -fPIE
BK_LDFLAGS = -pie -Wl,-z,relro,-z,now -Wl,--as-needed
endif
COMPILE = $(CC) $(BK_CPPFLAGS) $(CPPFLAGS) $(BK_CFLAGS) $(CFLAGS) -MMD -MP
Q := $(if $(V),,@)
LINK = $(CC) $(BK_CFLAGS) $(CFLAGS) $(BK_LDFLAGS) $(LDFLAGS) -o $@ \
	$(filter %.o %.a,$^)

# ---- what a goal needs installed -------------------------------------------

DEPS :=
ifneq ($(filter check check-quick check-release,$(MAKECMDGOALS)),)
DEPS += build check
endif
ifneq ($(filter check check-packages,$(MAKECMDGOALS)),)
DEPS += build check deb rpm repo packages
endif
ifneq ($(filter demo,$(MAKECMDGOALS)),)
DEPS += build demo
endif
ifneq ($(filter deps,$(MAKECMDGOALS)),)
DEPS += $(or $(FOR),build check)
endif
# Nothing is compiled before what it needs is there.
FIRST := $(if $(DEPS),deps)

# ---- build -----------------------------------------------------------------

.DEFAULT_GOAL := all
.DELETE_ON_ERROR:
.SECONDARY:
.PHONY: FORCE
all: $(TOOL_BIN) $(UNITS:%=$(B)/systemd/%)

deps:
	@sh tests/deps.sh $(sort $(DEPS))

# Changes only when the flags do; everything compiled depends on it.
$(B)/flags: FORCE | $(FIRST)
	@mkdir -p $(@D)
	@echo '$(COMPILE) $(BK_LDFLAGS) $(LDFLAGS)' | cmp -s - $@ || \
		echo '$(COMPILE) $(BK_LDFLAGS) $(LDFLAGS)' >$@

$(B)/obj/%.o: %.c $(B)/flags | $(FIRST)
	@mkdir -p $(@D)
	@$(if $(V),,echo "  CC  $<")
	$(Q)$(COMPILE) $(CPPFLAGS_$(notdir $(<D))) -iquote $(<D) $(foreach d,$(sort $(dir $(call \
		with,$<))),-iquote $(d)) -c -o $@ $<

# Made afresh, so that no member of a removed file stays.
$(LIBBK): $(call obj,$(LIB_SRC)) $(B)/flags
	@rm -f $@
	$(Q)$(AR) rcs $@ $(filter %.o,$^)

define tool_rule
$(B)/$(1): $(call obj,$(filter bin/$(1)/%,$(TOOL_SRC))) $(LIBBK)
	@$$(if $$(V),,echo "  LD  $$@")
	$$(Q)$$(LINK) $$(LIBS_$(1))
endef
$(foreach t,$(TOOLS),$(eval $(call tool_rule,$(t))))

# $(1): unit or fuzz, $(2): name, $(3): objects more
define test_rule
$(B)/$(1)/$(2): $(call obj,tests/$(1)/$(2).c $(call \
		with,tests/$(1)/$(2).c)) $(3) $(LIBBK)
	@mkdir -p $$(@D)
	@$$(if $$(V),,echo "  LD  $$@")
	$$(Q)$$(LINK) $$(LIBS_all)
endef
$(foreach t,$(UNIT_BIN:$(B)/unit/%=%),$(eval $(call test_rule,unit,$(t),)))
$(foreach t,$(FUZZ_BIN:$(B)/fuzz/%=%),$(eval $(call \
	test_rule,fuzz,$(t),$(B)/obj/tests/fuzz/replay.o)))

# For tests, in front of libargon2, where that is what the tools use.
MEMO := $(if $(SAN),,$(ARGON2:-l%=$(B)/rigs/%_memo.so))
$(B)/rigs/%.so: tests/rigs/%.c $(B)/flags
	@mkdir -p $(@D)
	$(Q)$(COMPILE) -fPIC -shared -o $@ $< -Wl,--no-as-needed \
		-lcrypto $(ARGON2)

# A line @NAME@ stands for lib/systemd/name.inc, without its first line.
INC := $(wildcard lib/systemd/*.inc)
service = awk -v bin='$(1)' '/^@[A-Z]+@$$/ { \
	f = "lib/systemd/" tolower(substr($$0, 2, length - 2)) ".inc"; \
	getline line <f; while ((getline line <f) > 0) print line; close(f); \
	next } { gsub(/@BINDIR@/, bin); print }' $< >$@
$(B)/systemd/%: lib/systemd/%.in $(INC) Makefile
	@mkdir -p $(@D)
	$(Q)$(call service,$(BINDIR))
$(B)/systemd/%: lib/systemd/%
	@mkdir -p $(@D)
	$(Q)cp $< $@

clean:
	rm -rf $(B)

-include $(wildcard $(B)/obj/*/*.d $(B)/obj/*/*/*.d $(B)/analyze/*/*.d \
	$(B)/analyze/*/*/*.d)

# ---- tests -----------------------------------------------------------------

LINTS = lint-format lint-tidy lint-cppcheck lint-analyze lint-shell lint-man \
	lint-systemd
.PHONY: all deps clean check check-quick check-release check-packages \
	check-unit demo bench lint $(LINTS) fuzz \
	$(FUZZ_RUN) install uninstall deb rpm repo repo-deb \
	repo-rpm

check: all $(UNIT_BIN) $(FUZZ_BIN) $(MEMO) | $(FIRST)
	@B=$(B) LINTS='$(LINTS)' MAKE='$(MAKE)' tests/run.sh

check-quick: all $(UNIT_BIN) $(FUZZ_BIN) $(MEMO) | $(FIRST)
	@B=$(B) QUICK=1 tests/run.sh

# Hours, as root. Each prints what it did, and how often; SEED= others. The
# parts of a run side by side: PART=1/2, PART=2/2 (see cold_world.py).
STEPS ?= 100000
ROUNDS ?= 1000
CUTS ?= 40
SEED ?= 1
check-release: all | $(FIRST)
	@set -e; for run in 'release_fault.py 0' 'release_crash.py 0' \
		'release_enemy.py $(ROUNDS)' 'release_random.py $(STEPS)'; do \
		echo "$$run $(SEED)"; BK_BIN=$(abspath $(B)) \
		python3 tests/rigs/$$run $(SEED); done; \
	echo "release_fault.py 1000 $(SEED), encrypted copies"; AGE=1 \
	BK_BIN=$(abspath $(B)) \
	python3 tests/rigs/release_fault.py 1000 $(SEED); \
	for fs in ext4 xfs btrfs; do \
		echo "release_power.py $(CUTS) $(SEED), $$fs"; FS=$$fs \
		BK_BIN=$(abspath $(B)) \
		python3 tests/rigs/release_power.py $(CUTS) $(SEED); done

# The packages, and two fresh machines that live with them.
check-packages: all $(MEMO) | $(FIRST)
	@B=$(B) tests/run.sh tests/packages/*.bats

# What needs neither root nor a network.
check-unit: $(UNIT_BIN) $(FUZZ_BIN)
	@B=$(B) tests/run.sh $(UNIT_BIN) $(FUZZ_BIN)

# Damages by chance in a repository and on a box: SEED=1 DAMAGES=200.
.PHONY: damage
damage: all
	@B=$(B) DAMAGES=$(or $(DAMAGES),200) tests/run.sh \
		tests/bats/verify-damage.bats

demo: all | $(FIRST)
	@BK_BIN=$(abspath $(B)) tests/demo.sh

bench: all
	@for f in tests/bench/*.sh; do [ ! -e "$$f" ] || \
		BK_BIN=$(abspath $(B)) "$$f" || exit 1; done

# Finds are left in build/fuzz-NAME.*, new inputs in build/fuzz-corpus/NAME.
fuzz: $(FUZZ_RUN)
$(FUZZ_RUN): fuzz-%: $(B)/fuzz-clang/%
	@mkdir -p $(B)/fuzz-corpus/$* tests/fuzz/corpus/$*
	$< -max_total_time=$(FUZZ_SECONDS) -timeout=10 -rss_limit_mb=1024 \
		-artifact_prefix=$(B)/fuzz-$*. -print_final_stats=1 \
		$(B)/fuzz-corpus/$* tests/fuzz/corpus/$*

$(B)/fuzz-clang/%: tests/fuzz/%.c $(LIB_SRC) $(TOOL_SRC) \
		$(wildcard lib/*.h bin/*/*.h)
	@mkdir -p $(@D)
	$(CLANG) -std=gnu17 -O1 -g -fsanitize=fuzzer,address,undefined \
		-fno-sanitize-recover=undefined $(DEFS) -o $@ $< $(LIB_SRC) \
		$(call with,$<) $(foreach d,$(sort $(dir $(call \
		with,$<))),-iquote $(d)) $(LIBS_all)

# ---- lint ------------------------------------------------------------------

C_SRC = $(LIB_SRC) $(TOOL_SRC)
C_TEST = $(UNIT_SRC) $(sort $(wildcard tests/fuzz/*.c tests/rigs/*.c))
C_HDR = $(sort $(wildcard lib/*.h bin/bk-*/*.h tests/unit/*.h))
SH_SRC = $(sort $(wildcard .ci/run tests/*.sh tests/rigs/*.sh \
	tests/bench/*.sh tests/bats/*.bash tests/packages/*.bash \
	debian/*.postinst debian/*.postrm debian/tests/installed \
	debian/repo.sh rpm/repo.sh))
BATS_SRC = $(sort $(wildcard tests/bats/*.bats tests/packages/*.bats))
LINT_UNITS = $(UNITS:%=$(B)/lint/systemd/%)

# Without the program: an error, or under LINT_SKIP=1 a line that says so.
need = command -v $(1) >/dev/null || { echo "skip: $(1) is not installed"; \
	[ -n "$(LINT_SKIP)" ] && exit 0; exit 69; }
done = @echo "$@: ok"

lint: $(LINTS)
	@echo "lint: all ok"

lint-format:
	@$(call need,clang-format); for f in $(C_SRC) $(C_TEST) $(C_HDR); do \
		echo $$f; done | xargs -r clang-format --dry-run -Werror
	$(done)

lint-tidy:
	@$(call need,clang-tidy); for f in $(C_SRC); do echo $$f; done | \
		xargs -r -n 4 -P $(JOBS) sh -c 'clang-tidy --quiet "$$@" -- \
		-std=gnu17 $(DEFS) $(WARN) $(CPPFLAGS_bk-secret-service) \
		$(CPPFLAGS_bk-dbdump) 2>/dev/null' sh
	$(done)

lint-cppcheck:
	@$(call need,cppcheck); [ -z "$(strip $(C_SRC))" ] || \
		cppcheck --quiet --error-exitcode=1 --inline-suppr -j $(JOBS) \
		--enable=warning,performance,portability --std=c11 \
		--suppress=missingIncludeSystem --suppress=unknownMacro \
		--suppress=autoVariables \
		-D__GNUC__ $(DEFS) $(C_SRC)
	$(done)

lint-analyze: $(patsubst %.c,$(B)/analyze/%.o,$(C_SRC))
	$(done)
$(B)/analyze/%.o: %.c $(B)/flags
	@mkdir -p $(@D)
	@$(COMPILE) $(CPPFLAGS_$(notdir $(<D))) -iquote $(<D) -Werror -fanalyzer \
		-Wno-analyzer-fd-leak -c -o $@ $<

lint-shell:
	@$(call need,shellcheck); for f in $(SH_SRC); do echo $$f; done | \
		xargs -r shellcheck -x -P SCRIPTDIR
	@$(call need,shellcheck); for f in $(BATS_SRC); do echo $$f; done | \
		xargs -r shellcheck -x -P SCRIPTDIR -e SC2154,SC2034,SC2030,SC2031
	@$(call need,shellcheck); for f in $(COMP_BASH); do echo $$f; done | \
		xargs -r shellcheck -s bash
	$(done)

lint-man:
	@$(call need,mandoc); [ -z "$(MAN)" ] || mandoc -Tlint -Wwarning $(MAN)
	$(done)

# The units are verified with the tools as built, for none may be installed.
$(B)/lint/systemd/%: lib/systemd/%.in $(INC)
	@mkdir -p $(@D)
	@$(call service,$(abspath $(B)))
$(B)/lint/systemd/%: lib/systemd/%
	@mkdir -p $(@D)
	@cp $< $@
lint-systemd: $(LINT_UNITS) $(TOOL_BIN)
	@$(call need,systemd-analyze); [ -z "$(LINT_UNITS)" ] || \
		SYSTEMD_LOG_LEVEL=warning \
		systemd-analyze verify --man=no $(LINT_UNITS)
	@$(call need,systemd-analyze); \
		for u in $(filter %.service,$(LINT_UNITS)); do \
		systemd-analyze security --no-pager --offline=true \
		--threshold=20 $$u >$(B)/lint/security || \
		{ grep -E "✗|Overall" $(B)/lint/security; exit 1; }; \
		done
	$(done)

# ---- install ---------------------------------------------------------------

D = $(DESTDIR)
CONF = $(D)$(SYSCONFDIR)/bk
DOCS = $(wildcard README.md LICENSE CHANGELOG.md)
COMP_BASH = $(wildcard lib/completion/bash/*)
COMP_ZSH = $(wildcard lib/completion/zsh/*)
COMP_FISH = $(wildcard lib/completion/fish/*)
section = $(D)$(MANDIR)/man$(patsubst .%,%,$(suffix $(1)))
# $(1) directory, $(2) files, $(3) mode
put = $(if $(strip $(2)),$(INSTALL) -d $(D)$(1) && \
	$(INSTALL) -m $(3) $(2) $(D)$(1),:)
# What `make install` puts there, bk.conf excepted.
INSTALLED = $(patsubst %,$(D)$(BINDIR)/%,$(filter-out $(HELPERS),$(TOOLS))) \
	$(HELPERS:%=$(D)$(LIBEXECDIR)/%) $(UNITS:%=$(D)$(UNITDIR)/%) \
	$(foreach m,$(MAN),$(call section,$(m))/$(notdir $(m))) \
	$(patsubst lib/completion/bash/%,$(D)$(BASHDIR)/%,$(COMP_BASH)) \
	$(patsubst lib/completion/zsh/%,$(D)$(ZSHDIR)/%,$(COMP_ZSH)) \
	$(patsubst lib/completion/fish/%,$(D)$(FISHDIR)/%,$(COMP_FISH)) \
	$(DOCS:%=$(D)$(DOCDIR)/%) $(D)$(DOCDIR)/examples/bk.conf

install: all
	@$(call put,$(BINDIR),$(filter-out $(HELPER_BIN),$(TOOL_BIN)),755)
	@$(call put,$(LIBEXECDIR),$(HELPER_BIN),755)
	@$(call put,$(UNITDIR),$(UNITS:%=$(B)/systemd/%),644)
	@for m in $(MAN); do $(INSTALL) -D -m 644 $$m \
		$(D)$(MANDIR)/man$${m##*.}/$${m##*/} || exit 1; done
	@$(call put,$(BASHDIR),$(COMP_BASH),644)
	@$(call put,$(ZSHDIR),$(COMP_ZSH),644)
	@$(call put,$(FISHDIR),$(COMP_FISH),644)
	@$(call put,$(DOCDIR),$(DOCS),644)
	@$(call put,$(DOCDIR)/examples,lib/conf/examples/bk.conf,644)
	@$(INSTALL) -d $(CONF) $(CONF)/conf.d
	@if [ -z "$(D)" ] && [ -e $(CONF)/bk.conf ]; then \
		echo "kept: $(CONF)/bk.conf"; \
	elif [ -e lib/conf/bk.conf ]; then \
		$(INSTALL) -m 640 lib/conf/bk.conf $(CONF)/bk.conf; fi

uninstall:
	rm -f $(INSTALLED)
	@if [ ! -e $(CONF)/bk.conf ]; then :; \
	elif cmp -s lib/conf/bk.conf $(CONF)/bk.conf; then \
		rm -f $(CONF)/bk.conf; \
	else echo "kept, it was changed: $(CONF)/bk.conf"; fi
	@rmdir $(CONF)/conf.d $(CONF) $(D)$(DOCDIR)/examples $(D)$(DOCDIR) $(D)$(LIBEXECDIR) \
		2>/dev/null || :

# ---- packages --------------------------------------------------------------

# A package is built from a copy; the checkout is only read.
copy = rm -rf $(1) && mkdir -p $(1) && tar -c --exclude=./.git \
	--exclude=./build --exclude='./build-*' --exclude='./$(B)' . | \
	tar -x -C $(1)

deb:
	@$(call copy,$(B)/deb/src)
	@sed -i '1s/(.*)/($(VERSION)-1)/' $(B)/deb/src/debian/changelog
	cd $(B)/deb/src && env -u MAKEFLAGS -u MAKELEVEL -u B \
		dpkg-buildpackage -us -uc -b -J
	@rm -rf $(B)/deb/src
	@! command -v lintian >/dev/null || \
		lintian --allow-root --fail-on error,warning $(B)/deb/*.deb
	@ls $(B)/deb/*.deb

# Nothing of where or when it was built is in it.
RPM_SAME = --define '_buildhost localhost' \
	--define 'source_date_epoch_from_changelog 1' \
	--define 'use_source_date_epoch_as_buildtime 1' \
	--define 'clamp_mtime_to_source_date_epoch 1'
STANDIN = $(if $(filter /%,$(shell rpm -E %_unitdir)),,--nodeps \
	--load rpm/macros.standin)
rpm:
	@$(call copy,$(B)/rpm/bk-$(VERSION))
	@mkdir -p $(B)/rpm/SOURCES
	@tar -czf $(B)/rpm/SOURCES/bk-$(VERSION).tar.gz -C $(B)/rpm \
		bk-$(VERSION)
	env -u MAKEFLAGS -u MAKELEVEL -u B rpmbuild $(STANDIN) \
		--define '_topdir $(abspath $(B))/rpm' \
		--define '_rpmdir $(abspath $(B))/rpm' \
		--define 'bk_version $(VERSION)' $(RPM_SAME) \
		$(if $(filter nocheck,$(DEB_BUILD_OPTIONS)),--nocheck) \
		-bb rpm/bk.spec
	@rm -rf $(B)/rpm/bk-$(VERSION) $(B)/rpm/BUILD* $(B)/rpm/SOURCES
	@! command -v rpmlint >/dev/null || rpmlint -c rpm/rpmlint.toml \
		$$(find $(B)/rpm -name '*.rpm') rpm/bk.spec
	@find $(B)/rpm -name '*.rpm'

# ---- a repository that any web server can offer ----------------------------

# REPO= where it is, or is made; URL= under which hosts find it; KEY= of gpg
# that signs it. Packages that are there stay, so a later one is an upgrade.
REPO ?= $(B)/repo
URL ?= file://$(abspath $(REPO))
KEY ?=

repo: $(if $(wildcard /etc/debian_version),deb,rpm)
	@$(MAKE) -s --no-print-directory repo-$<

# Of packages that are built.
repo-deb:
	@sh debian/repo.sh '$(REPO)' '$(URL)' '$(KEY)' $(B)/deb/*.deb
repo-rpm:
	@sh rpm/repo.sh '$(REPO)' '$(URL)' '$(KEY)' $$(find $(B)/rpm -name '*.rpm')
