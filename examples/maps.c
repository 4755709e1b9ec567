/*
 * maps.c - stack maps, from the compiler that writes them to the collector that reads them.
 *
 *      cc maps.c $(pkg-config --cflags --libs stubmap) && ./a.out
 *
 * It prints:
 *      exact-consed: 52 bytes
 *      pc 0x20: no references, or no call: this format does not know
 *      pc 0x60: no references, or no call: this format does not know
 *      pc 0x51: [sp+0] [sp+16]
 *      ranged: 88 bytes
 *      pc 0x20: no references
 *      pc 0x60: no call returns here: the walk is lost
 *      pc 0x51: [sp+0] [sp+16]
 */
#include <stdio.h>
#include <stdlib.h>
#include <stubmap/map.h>

/* A frame of 32 bytes has slots 0 to 7, of 4 bytes each; a reference lies in two of them and is
 * named by the first. */
static const uint32_t first[] = { 0, 4 };
static const uint32_t second[] = { 2 };

/* What the compiler knows of each call: its return address, as an offset in the text, the
 * size of the frame, and the slots of the references that are still needed. In ascending
 * order, and with the calls without references, since some formats tell "nothing is live
 * here" from "no call returns here". */
static const struct safepoint points[] = {
	{ .pc = 0x12, .frame_size = 32, .nlive = 2, .live = first },
	{ .pc = 0x20, .frame_size = 32, .nlive = 0, .live = NULL },
	{ .pc = 0x3c, .frame_size = 32, .nlive = 1, .live = second },
	{ .pc = 0x51, .frame_size = 32, .nlive = 2, .live = first },
};
enum { POINTS = sizeof(points) / sizeof(points[0]) };

/* What a collector does for each frame that it walks over. */
static void scan(const struct map_ops *format, const struct map_bytes *table, uint8_t *scratch,
		 uint32_t pc)
{
	struct map_cursor at = { 0 };
	struct map_live live;
	uint32_t place;
	int n = 0;

	printf("pc 0x%02x:", pc);
	switch (format->lookup(table->data, table->len, pc, scratch, &live)) {
	case MAP_FOUND:
		while (map_next(&live, &at, &place) && ++n)
			printf(" [sp+%u]", 4 * place);
		puts(n ? "" : " no references");
		break;
	case MAP_ABSENT: /* formats without MAP_EMPTIES leave out empty maps */
		puts(" no references, or no call: this format does not know");
		break;
	case MAP_NO_SAFEPOINT:
		puts(" no call returns here: the walk is lost");
		break;
	case MAP_DAMAGED:
		puts(" the table is damaged");
		break;
	}
}

int main(void)
{
	const char *const names[] = { "exact-consed", "ranged" };

	for (int i = 0; i < 2; i++) {
		const struct map_ops *format = map_encoder(names[i]);
		struct map_bytes table = { 0 };

		/* The table can be written to a file unchanged, and read
		 * where the file is mapped. */
		if (map_encode(format, points, POINTS, &table, NULL))
			return 1;
		printf("%s: %zu bytes\n", format->name, table.len);
		/* Some formats decode a map into it; a collector keeps it for all its lookups. */
		uint8_t *scratch = malloc(map_scratch(format, table.data, table.len));
		scan(format, &table, scratch, 0x20);
		scan(format, &table, scratch, 0x60);
		scan(format, &table, scratch, 0x51);
		free(scratch);
		free(table.data);
	}
	return 0;
}
