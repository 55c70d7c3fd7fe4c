/*
 * replay.c - runs a fuzzer on every file that it begins with, and on what it once found: without
 * clang, as one of the unit tests.  test_fuzz_NAME takes build/fuzz/seeds/NAME and
 * tests/fuzz/corpus/NAME.
 */
#include <dirent.h>

#include "../unit/unit.h"

#define MOST_BYTES 0x10000

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *top, *fuzzer;

static uint32_t replay(const char *directory)
{
	static uint8_t bytes[MOST_BYTES];
	DIR *entries = opendir(directory);
	uint32_t count = 0;
	struct dirent *entry;

	while (entries && (entry = readdir(entries))) {
		char path[600];
		FILE *file;
		size_t size;

		if (entry->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "%s/%s", directory, entry->d_name);
		file = fopen(path, "rb");
		assert_non_null(file);
		size = fread(bytes, 1, sizeof(bytes), file);
		fclose(file);
		printf("# %s\n", path);
		fflush(stdout);
		LLVMFuzzerTestOneInput(bytes, size);
		count++;
	}
	if (entries)
		closedir(entries);
	return count;
}

static void test_corpus(void **state)
{
	char directory[300];

	(void)state;
	snprintf(directory, sizeof(directory), "%s/fuzz/seeds/%s", top, fuzzer);
	assert_true(replay(directory) > 0);
	snprintf(directory, sizeof(directory), "tests/fuzz/corpus/%s", fuzzer);
	replay(directory);
}

/* Called as TOP/unit64/test_fuzz_NAME. */
int main(int count, char **words)
{
	static const struct CMUnitTest tests[] = { cmocka_unit_test(test_corpus) };
	static char directory[200];
	char *slash;

	assert_true(count == 1 && strlen(words[0]) < sizeof(directory));
	fuzzer = strrchr(words[0], '/') + sizeof("/test_fuzz_") - 1;
	strcpy(directory, words[0]);
	slash = strrchr(directory, '/');
	*slash = '\0';
	slash = strrchr(directory, '/');
	*slash = '\0';
	top = directory;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
