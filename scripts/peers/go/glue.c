#include "_cgo_export.h"

int reader_main(int argc, char **argv)
{
	const struct pair_reader theirs = {
		.answer = goAnswer,
		.pass = (uint64_t (*)(const uint32_t *, size_t, int))goPass,
	};

	return pair_main(argc, argv, &theirs);
}
