/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The memory file: made, taken over from a process that was killed, copied. Trusts nothing that
 * stands in it, and reads nothing that was never written. Proved by tests/unit/daemon/state.c.
 */
#include "common/util.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "daemon/state_internal.h"

#define SEALS (F_SEAL_SHRINK | F_SEAL_GROW)

/* include/uapi/linux/memfd.h of 6.3 and later, which others refuse */
#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL 8U
#endif

enum { TALLY, RECENT, PEERS, HOLD, PARTS };

static void part_sizes(uint64_t ret[PARTS])
{
	ret[TALLY] = tally_size();
	ret[RECENT] = recent_size();
	ret[PEERS] = peers_size();
	ret[HOLD] = sizeof(struct hold);
}

static size_t on_pages(size_t size)
{
	return (size + STATE_PAGE - 1) / STATE_PAGE * STATE_PAGE;
}

static size_t part_offset(unsigned int part)
{
	size_t offset = on_pages(sizeof(struct state_header));
	uint64_t sizes[PARTS];

	part_sizes(sizes);
	for (unsigned int i = 0; i < part; i++)
		offset += on_pages(sizes[i]);
	return offset;
}

static void *part(const struct state *s, unsigned int i)
{
	return (char *)s->header + part_offset(i);
}

static uint64_t add_number(uint64_t hash, uint64_t number)
{
	return (hash ^ number) * 0x100000001b3ULL ^ hash >> 29;
}

static uint64_t add_text(uint64_t hash, const char *text)
{
	while (*text)
		hash = add_number(hash, (unsigned char)*text++);
	return add_number(hash, 0);
}

/* Numbers of causes, evidence and roles stand in what is kept: a build that gives them to others,
 * or has its limits elsewhere, has another layout. 'causes': of a build with the first so many. */
uint64_t state_fingerprint(unsigned int causes)
{
	static const size_t facts[] = {
		sizeof(struct finding),
		sizeof(struct reset),
		sizeof(struct owner),
		sizeof(struct verdict),
		offsetof(struct finding, owner),
		offsetof(struct finding, verdict),
		offsetof(struct finding, other),
		offsetof(struct reset, reason_name),
		offsetof(struct reset, owner_comm),
		offsetof(struct reset, actor_comm),
		offsetof(struct reset, former_comm),
		RSTMON_ROWS_MAX,
		RSTMON_PROCESSES_MAX,
		RSTMON_NETNS_MAX,
		RSTMON_PEERS_MAX,
		RSTMON_DAY_ROWS_MAX,
		RSTMON_RECENT_MAX,
		RSTMON_RECENT_KEPT,
		HOLD_MAX,
		REASON_MAX,
		CONFIDENCE_MAX,
	};
	uint64_t hash = 0xcbf29ce484222325ULL;

	for (unsigned int i = 0; i < causes; i++)
		hash = add_text(hash, cause_name(i));
	for (unsigned int i = 0; i < RST_OWNER_SOURCE_MAX; i++)
		hash = add_text(hash, owner_source_name(i));
	for (size_t i = 0; i < ARRAY_SIZE(facts); i++)
		hash = add_number(hash, facts[i]);
	return hash;
}

void state_header_fill(struct state_header *h)
{
	memset(h, 0, sizeof(*h));
	h->magic = STATE_MAGIC;
	h->layout = STATE_LAYOUT;
	h->header_size = sizeof(*h);
	h->size = part_offset(PARTS);
	part_sizes(h->part_size);
	h->fingerprint = state_fingerprint(RST_CAUSE_MAX);
}

/* Those of a build that knows fewer causes mean the same here. */
static bool fingerprint_fits(uint64_t theirs)
{
	for (unsigned int n = RST_CAUSE_MAX; n; n--)
		if (state_fingerprint(n) == theirs)
			return true;
	return false;
}

bool state_header_ours(const struct state_header *h)
{
	struct state_header ours;

	state_header_fill(&ours);
	return h->magic == ours.magic && h->layout == ours.layout &&
	       h->header_size == ours.header_size && h->size == ours.size &&
	       !memcmp(h->part_size, ours.part_size, sizeof(ours.part_size)) &&
	       fingerprint_fits(h->fingerprint);
}

static int map(int fd, struct state **ret)
{
	struct state *s = calloc(1, sizeof(*s));
	void *memory;

	if (!s)
		return -ENOMEM;
	s->bytes = part_offset(PARTS);
	s->fd = fcntl(fd, F_DUPFD_CLOEXEC, 3);
	memory = s->fd < 0 ? MAP_FAILED
			   : mmap(NULL, s->bytes, PROT_READ | PROT_WRITE, MAP_SHARED, s->fd, 0);
	if (memory == MAP_FAILED) {
		int r = -errno;

		util_close(&s->fd);
		free(s);
		return r;
	}
	s->header = memory;
	*ret = s;
	return 0;
}

void state_free(struct state *s)
{
	if (!s)
		return;
	munmap(s->header, s->bytes);
	close(s->fd);
	free(s);
}

int state_make_file(void)
{
	static const unsigned int flags = MFD_CLOEXEC | MFD_ALLOW_SEALING;
	_cleanup_close_ int fd = memfd_create("rstmon-state", flags | MFD_NOEXEC_SEAL);

	/* where vm.memfd_noexec is 2 there are no others */
	if (fd < 0 && errno == EINVAL)
		fd = memfd_create("rstmon-state", flags);
	if (fd < 0)
		return -errno;
	if (ftruncate(fd, (off_t)part_offset(PARTS)) || fcntl(fd, F_ADD_SEALS, SEALS))
		return -errno;
	return TAKE_FD(fd);
}

int state_new(struct state **ret)
{
	_cleanup_close_ int fd = state_make_file();
	struct state *s;
	int r;

	if (fd < 0)
		return fd;
	r = map(fd, &s);
	if (r)
		return r;
	s->tally = tally_format(part(s, TALLY), tally_size());
	s->recent = recent_format(part(s, RECENT), recent_size());
	s->peers = peers_format(part(s, PEERS), peers_size());
	s->hold = part(s, HOLD);
	state_header_fill(s->header);
	*ret = s;
	return 0;
}

static int adopt_parts(struct state *s, const struct reasons *reasons)
{
	struct state_header *h = s->header;
	struct adopt_reasons names;
	int r;

	if (h->absorb_due > 1 || !memchr(h->kernel, '\0', sizeof(h->kernel)))
		return -EBADMSG;
	r = adopt_reasons(h->reasons, h->n_reasons, reasons, &names);
	if (!r)
		r = tally_adopt(part(s, TALLY), tally_size(), &s->tally);
	if (!r)
		r = recent_adopt(part(s, RECENT), recent_size(), &names, &s->recent);
	if (!r)
		r = peers_adopt(part(s, PEERS), peers_size(), &s->peers);
	if (r)
		return r;
	s->hold = part(s, HOLD);
	return hold_adopt(s->hold, &names);
}

int state_adopt(int fd, const struct reasons *reasons, struct state **ret)
{
	struct state *s;
	struct stat st;
	int seals, r;

	if (fstat(fd, &st))
		return -errno;
	seals = fcntl(fd, F_GET_SEALS);
	if (seals < 0 || !(seals & F_SEAL_SHRINK) || st.st_size != (off_t)part_offset(PARTS))
		return -EPROTO;
	r = map(fd, &s);
	if (r)
		return r;
	r = state_header_ours(s->header) ? adopt_parts(s, reasons) : -EPROTO;
	if (r) {
		state_free(s);
		return r;
	}
	/* from now on its causes are this build's, of which an older one may know fewer */
	s->header->fingerprint = state_fingerprint(RST_CAUSE_MAX);
	/* and numbers of reasons are the running kernel's */
	state_set_kernel(s, NULL, reasons);
	*ret = s;
	return 0;
}

/* Only what was ever written: the holes stay holes. */
static int copy_memory(const struct state *s, int fd)
{
	off_t end = 0, begin;

	while ((begin = lseek(s->fd, end, SEEK_DATA)) >= 0) {
		end = lseek(s->fd, begin, SEEK_HOLE);
		if (end < 0)
			return -errno;
		for (off_t at = begin; at < end;) {
			ssize_t n =
				pwrite(fd, (const char *)s->header + at, (size_t)(end - at), at);

			if (n < 0 && errno == EINTR)
				continue;
			if (n <= 0)
				return n ? -errno : -EIO;
			at += n;
		}
	}
	return errno == ENXIO ? 0 : -errno;
}

int state_copy(const struct state *s, const struct reasons *reasons, struct state **ret)
{
	_cleanup_close_ int fd = state_make_file();
	int r;

	if (fd < 0)
		return fd;
	r = copy_memory(s, fd);
	return r ? r : state_adopt(fd, reasons, ret);
}
