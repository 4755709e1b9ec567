/*
 * sqlite.c - SQLite at work: it fills a table in transactions, indexes, queries and changes it. Its
 * files are in an SQLite VFS written here, on the few calls that wasi-libc has: open, pread,
 * pwrite, ftruncate, fstat, unlink. There is one connection, so locks are granted; the time and the
 * random seed are fixed.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "program.h"
#include "sqlite3.h"

/* ---- Files ----------------------------------------------------------------------------------- */

struct file {
	sqlite3_file base;
	int fd;
};

static int file_close(sqlite3_file *f)
{
	close(((struct file *)f)->fd);
	return SQLITE_OK;
}

static int file_read(sqlite3_file *f, void *to, int n, sqlite3_int64 at)
{
	ssize_t got = pread(((struct file *)f)->fd, to, (size_t)n, at);

	if (got == n)
		return SQLITE_OK;
	if (got < 0)
		return SQLITE_IOERR_READ;
	memset((char *)to + got, 0, (size_t)(n - got));
	return SQLITE_IOERR_SHORT_READ;
}

static int file_write(sqlite3_file *f, const void *from, int n, sqlite3_int64 at)
{
	return pwrite(((struct file *)f)->fd, from, (size_t)n, at) == n ? SQLITE_OK
									: SQLITE_IOERR_WRITE;
}

static int file_truncate(sqlite3_file *f, sqlite3_int64 size)
{
	return ftruncate(((struct file *)f)->fd, size) ? SQLITE_IOERR_TRUNCATE : SQLITE_OK;
}

static int file_sync(sqlite3_file *f, int flags)
{
	(void)f, (void)flags;
	return SQLITE_OK;
}

static int file_size(sqlite3_file *f, sqlite3_int64 *size)
{
	struct stat s;

	if (fstat(((struct file *)f)->fd, &s))
		return SQLITE_IOERR_FSTAT;
	*size = s.st_size;
	return SQLITE_OK;
}

static int file_lock(sqlite3_file *f, int level)
{
	(void)f, (void)level;
	return SQLITE_OK;
}

static int file_reserved(sqlite3_file *f, int *out)
{
	(void)f;
	*out = 0;
	return SQLITE_OK;
}

static int file_control(sqlite3_file *f, int op, void *arg)
{
	(void)f, (void)op, (void)arg;
	return SQLITE_NOTFOUND;
}

static int file_sector(sqlite3_file *f)
{
	(void)f;
	return 0;
}

static const sqlite3_io_methods methods = {
	.iVersion = 1,
	.xClose = file_close,
	.xRead = file_read,
	.xWrite = file_write,
	.xTruncate = file_truncate,
	.xSync = file_sync,
	.xFileSize = file_size,
	.xLock = file_lock,
	.xUnlock = file_lock,
	.xCheckReservedLock = file_reserved,
	.xFileControl = file_control,
	.xSectorSize = file_sector,
	.xDeviceCharacteristics = file_sector,
};

static int fs_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *f, int flags, int *out)
{
	struct file *file = (struct file *)f;
	int how = flags & SQLITE_OPEN_READWRITE ? O_RDWR : O_RDONLY;

	(void)vfs;
	if (flags & SQLITE_OPEN_CREATE)
		how |= O_CREAT;
	*file = (struct file){ .fd = open(name ? name : "temporary", how, 0600) };
	if (file->fd < 0)
		return SQLITE_CANTOPEN;
	if (out)
		*out = flags;
	f->pMethods = &methods;
	return SQLITE_OK;
}

static int fs_delete(sqlite3_vfs *vfs, const char *name, int sync)
{
	(void)vfs, (void)sync;
	return unlink(name) ? SQLITE_IOERR_DELETE_NOENT : SQLITE_OK;
}

static int fs_access(sqlite3_vfs *vfs, const char *name, int flags, int *out)
{
	struct stat s;

	(void)vfs, (void)flags;
	*out = !stat(name, &s);
	return SQLITE_OK;
}

static int fs_full_path(sqlite3_vfs *vfs, const char *name, int n, char *out)
{
	(void)vfs;
	sqlite3_snprintf(n, out, "%s", name);
	return SQLITE_OK;
}

static int fs_random(sqlite3_vfs *vfs, int n, char *out)
{
	(void)vfs;
	memset(out, 42, (size_t)n);
	return n;
}

static int fs_sleep(sqlite3_vfs *vfs, int us)
{
	(void)vfs;
	return us;
}

static int fs_time(sqlite3_vfs *vfs, double *out)
{
	(void)vfs;
	*out = 2460000.5;
	return SQLITE_OK;
}

static int fs_last_error(sqlite3_vfs *vfs, int n, char *out)
{
	(void)vfs, (void)n, (void)out;
	return 0;
}

static sqlite3_vfs fs = {
	.iVersion = 1,
	.szOsFile = sizeof(struct file),
	.mxPathname = 64,
	.zName = "plain",
	.xOpen = fs_open,
	.xDelete = fs_delete,
	.xAccess = fs_access,
	.xFullPathname = fs_full_path,
	.xRandomness = fs_random,
	.xSleep = fs_sleep,
	.xCurrentTime = fs_time,
	.xGetLastError = fs_last_error,
};

int sqlite3_os_init(void)
{
	return sqlite3_vfs_register(&fs, 1);
}

int sqlite3_os_end(void)
{
	return SQLITE_OK;
}

/* ---- Statements ------------------------------------------------------------------------------ */

static sqlite3 *db;

/* Runs statements; mixes their answers, and prints them if asked. */
static uint32_t ask(const char *sql, int print)
{
	uint32_t mixed = 17;
	sqlite3_stmt *s;

	while (*sql) {
		if (sqlite3_prepare_v2(db, sql, -1, &s, &sql)) {
			printf("error: %s\n", sqlite3_errmsg(db));
			return 0;
		}
		while (s && sqlite3_step(s) == SQLITE_ROW) {
			for (int i = 0; i < sqlite3_column_count(s); i++) {
				const char *text = (const char *)sqlite3_column_text(s, i);

				for (const char *p = text ? text : "NULL"; *p; p++)
					mixed = mixed * 31 + (unsigned char)*p;
				if (print)
					printf("%s%s", i ? "|" : "", text ? text : "NULL");
			}
			if (print)
				printf("\n");
		}
		sqlite3_finalize(s);
		while (*sql == ' ')
			sql++;
	}
	return mixed;
}

static uint32_t fill(uint32_t i)
{
	sqlite3_stmt *s;

	ask("BEGIN", 0);
	sqlite3_prepare_v2(db, "INSERT INTO item VALUES (?, ?, ?, ?)", -1, &s, NULL);
	for (uint32_t k = 0; k < 400; k++) {
		uint32_t id = i * 400 + k, v = id * 2654435761u;
		char name[32];

		snprintf(name, sizeof name, "item %u", v % 977);
		sqlite3_bind_int(s, 1, (int)id);
		sqlite3_bind_text(s, 2, name, -1, SQLITE_TRANSIENT);
		sqlite3_bind_double(s, 3, (v >> 8) % 10000 / 16.0);
		sqlite3_bind_int64(s, 4, (sqlite3_int64)v << 8);
		sqlite3_step(s);
		sqlite3_reset(s);
	}
	sqlite3_finalize(s);
	return ask("COMMIT; SELECT count(*), max(id) FROM item", 0);
}

static const char *const questions[] = {
	"CREATE INDEX by_name ON item(name)",
	"SELECT name, count(*), round(avg(price), 3) FROM item GROUP BY name"
	" ORDER BY 2 DESC, 1 LIMIT 5",
	"SELECT a.id, b.id FROM item a JOIN item b ON a.name = b.name AND a.id < b.id"
	" WHERE a.price > 600 ORDER BY a.id, b.id LIMIT 8",
	"UPDATE item SET price = price * 1.25 WHERE name LIKE '%7'; SELECT changes()",
	"SELECT round(sum(price), 4), total(big), upper(hex(substr(name, 1, 6))) FROM item",
	"DELETE FROM item WHERE id % 3 = 0; SELECT count(*) FROM item",
	"WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n WHERE x < 500)"
	" SELECT sum(x * x), group_concat(CASE WHEN x % 100 = 0 THEN x END) FROM n",
	"SELECT name FROM item WHERE name BETWEEN 'item 30' AND 'item 31' ORDER BY name, id LIMIT "
	"6",
	"PRAGMA integrity_check",
};
enum { FILLS = 5, QUESTIONS = sizeof questions / sizeof *questions };

uint32_t steps(void)
{
	if (sqlite3_open("test.db", &db))
		return 0;
	ask("CREATE TABLE item (id INTEGER PRIMARY KEY, name TEXT, price REAL, big INTEGER)", 1);
	return FILLS + QUESTIONS;
}

uint32_t step(uint32_t i)
{
	uint32_t result = i < FILLS ? fill(i) : ask(questions[i - FILLS], 1);

	fflush(stdout);
	return result;
}
