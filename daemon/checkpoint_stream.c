/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The state as a stream of bytes, and back. Must trust nothing that it reads: every offset is
 * bounded by the layout of this build, and whoever gets the memory still checks what stands in it.
 * Proved by tests/unit/daemon/checkpoint.c and tests/fuzz/checkpoint.c.
 */
#include "common/util.h"

#include <errno.h>
#include <zlib.h>

#include "daemon/checkpoint_internal.h"

#define LEVEL "wb1" /* most of it is alike; time counts more than room at a stop */

struct stream {
	gzFile file;
	uint32_t crc;
};

/* 'fd' stays the caller's. */
static int open_stream(struct stream *s, int fd, const char *mode)
{
	int copy = dup(fd);

	if (copy < 0)
		return -errno;
	s->crc = (uint32_t)crc32(0, NULL, 0);
	s->file = gzdopen(copy, mode);
	if (s->file)
		return 0;
	close(copy);
	return -ENOMEM;
}

/* ---- writing ---- */

static int put(struct stream *s, const void *data, size_t size)
{
	const uint8_t *from = data;

	while (size) {
		unsigned int part = (unsigned int)MIN(size, (size_t)1 << 20);

		errno = 0;
		if (gzwrite(s->file, from, part) != (int)part)
			return errno ? -errno : -EIO;
		s->crc = (uint32_t)crc32(s->crc, from, part);
		from += part;
		size -= part;
	}
	return 0;
}

static bool is_zero(const uint8_t *page)
{
	return !page[0] && !memcmp(page, page + 1, STATE_PAGE - 1);
}

static int put_piece(struct stream *out, const struct state *s, uint64_t begin, uint64_t end)
{
	struct checkpoint_piece piece = {.offset = begin, .length = end - begin};
	int r;

	if (begin == end)
		return 0;
	r = put(out, &piece, sizeof(piece));
	return r ? r : put(out, (const uint8_t *)s->header + begin, end - begin);
}

/* Pages of zeros between 'at' and 'end', which were written once and cleared again, are left out.
 */
static int put_range(struct stream *out, const struct state *s, uint64_t at, uint64_t end)
{
	uint64_t begin = at;

	for (; at < end; at += STATE_PAGE) {
		int r;

		if (!is_zero((const uint8_t *)s->header + at))
			continue;
		r = put_piece(out, s, begin, at);
		if (r)
			return r;
		begin = at + STATE_PAGE;
	}
	return put_piece(out, s, begin, end);
}

static int put_all(struct stream *out, const struct state *s)
{
	struct checkpoint_head head = {
		.magic = CHECKPOINT_MAGIC,
		.format = CHECKPOINT_FORMAT,
		.size = sizeof(head),
		.state = *s->header,
	};
	struct checkpoint_piece last = {.offset = CHECKPOINT_END};
	off_t begin, end = 0;
	int r;

	r = put(out, &head, sizeof(head));
	while (!r && (begin = lseek(s->fd, end, SEEK_DATA)) >= 0) {
		end = lseek(s->fd, begin, SEEK_HOLE);
		r = end < 0 ? -errno : put_range(out, s, (uint64_t)begin, (uint64_t)end);
	}
	last.length = out->crc;
	return r ? r : put(out, &last, sizeof(last));
}

int checkpoint_put(int fd, const struct state *s)
{
	struct stream out;
	int r;

	r = open_stream(&out, fd, LEVEL);
	if (r)
		return r;
	r = put_all(&out, s);
	errno = 0;
	if (gzclose(out.file) != Z_OK && !r)
		r = errno ? -errno : -EIO;
	return r;
}

/* ---- reading ---- */

static const char cut_short[] = "is cut short";
static const char damaged[] = "is damaged";

static int get(struct stream *in, void *data, unsigned int size, const char **ret_why)
{
	int n, error;

	errno = 0;
	n = gzread(in->file, data, size);
	if (n == (int)size) {
		in->crc = (uint32_t)crc32(in->crc, data, size);
		return 0;
	}
	gzerror(in->file, &error);
	if (error == Z_ERRNO)
		return errno ? -errno : -EIO;
	if (error == Z_MEM_ERROR)
		return -ENOMEM;
	*ret_why = error == Z_DATA_ERROR ? damaged : cut_short;
	return -EBADMSG;
}

static int get_head(struct stream *in, const char **ret_why)
{
	struct checkpoint_head head;
	int r;

	r = get(in, &head, sizeof(head.magic), ret_why);
	if (r)
		return r;
	*ret_why = "is no checkpoint of rstmond";
	if (head.magic != CHECKPOINT_MAGIC)
		return -EPROTO;
	r = get(in, (char *)&head + sizeof(head.magic), sizeof(head) - sizeof(head.magic), ret_why);
	if (r)
		return r;
	*ret_why = "was written by another version of rstmond";
	if (head.format != CHECKPOINT_FORMAT || head.size != sizeof(head) ||
	    !state_header_ours(&head.state))
		return -EPROTO;
	return 0;
}

static int get_piece(struct stream *in, int memory, const struct checkpoint_piece *piece,
		     const char **ret_why)
{
	static const unsigned int step = 65536;
	_cleanup_free_ uint8_t *buffer = malloc(step);

	if (!buffer)
		return -ENOMEM;
	for (uint64_t at = 0; at < piece->length;) {
		unsigned int n = (unsigned int)MIN(piece->length - at, (uint64_t)step);
		int r = get(in, buffer, n, ret_why);

		if (r)
			return r;
		if (pwrite(memory, buffer, n, (off_t)(piece->offset + at)) != (ssize_t)n)
			return errno ? -errno : -EIO;
		at += n;
	}
	return 0;
}

/* Behind the last piece there must be nothing but gzip's own checksum, which zlib looks at. */
static int get_end(struct stream *in, const char **ret_why)
{
	uint8_t more;
	int n = gzread(in->file, &more, 1), error;

	gzerror(in->file, &error);
	if (n == 0 && error == Z_OK)
		return 0;
	*ret_why = error == Z_BUF_ERROR ? cut_short : damaged;
	return -EBADMSG;
}

static int get_pieces(struct stream *in, int memory, uint64_t size, const char **ret_why)
{
	uint64_t end = 0;

	for (;;) {
		struct checkpoint_piece piece;
		uint32_t crc = in->crc;
		int r = get(in, &piece, sizeof(piece), ret_why);

		if (r)
			return r;
		*ret_why = damaged;
		if (piece.offset == CHECKPOINT_END)
			return piece.length == crc ? get_end(in, ret_why) : -EBADMSG;
		if (piece.offset < end || piece.offset > size || !piece.length ||
		    piece.length > size - piece.offset)
			return -EBADMSG;
		r = get_piece(in, memory, &piece, ret_why);
		if (r)
			return r;
		end = piece.offset + piece.length;
	}
}

int checkpoint_get(int fd, int *ret, const char **ret_why)
{
	_cleanup_close_ int memory = state_make_file();
	struct state_header ours;
	struct stream in;
	int r;

	*ret_why = NULL;
	if (memory < 0)
		return memory;
	r = open_stream(&in, fd, "rb");
	if (r)
		return r;
	state_header_fill(&ours);
	r = get_head(&in, ret_why);
	if (!r)
		r = get_pieces(&in, memory, ours.size, ret_why);
	gzclose(in.file);
	if (r) {
		if (r != -EPROTO && r != -EBADMSG)
			*ret_why = NULL;
		return r;
	}
	*ret = TAKE_FD(memory);
	return 0;
}
