/* error.c - the phrases of error.h. */
#include "error.h"

static const char *const texts[ERROR_COUNT] = {
#define X(name, text) [name] = text,
	ERROR_LIST(X)
#undef X
};

const char *error_text(enum error error)
{
	return error < ERROR_COUNT ? texts[error] : "has an unknown error";
}
